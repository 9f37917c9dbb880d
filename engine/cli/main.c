/* walletrisk: the command of the engine. */
int main(void)
{
    return 0;
}
