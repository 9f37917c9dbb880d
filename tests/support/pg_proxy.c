#include "pg_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wr_test.h"

/* A simple query "commit" on the wire: 'Q', length, text, NUL. */
static const char commit_message[] = "Q\0\0\0\x0b"
                                     "commit";

static bool send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static int connect_to(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Pass what has come from one side to the other; false = the pair is done. */
static bool relay(pg_proxy *p, int from, int to, bool is_client)
{
    char data[65536];
    ssize_t n = recv(from, data, sizeof data, 0);
    if (n <= 0)
        return false;
    int mode = atomic_load(&p->mode);
    if (!is_client || mode == PG_PROXY_PASS ||
        !memmem(data, (size_t)n, commit_message, sizeof commit_message))
        return send_all(to, data, (size_t)n);
    atomic_store(&p->mode, PG_PROXY_PASS);
    if (mode == PG_PROXY_LOSE_ANSWER && send_all(to, data, (size_t)n))
        (void)recv(to, data, sizeof data, 0); /* the server has answered: it is done */
    return false;
}

static void serve(pg_proxy *p, int client)
{
    int server = connect_to(p->server_port);
    struct pollfd fd[2] = {{.fd = client, .events = POLLIN},
                           {.fd = server, .events = POLLIN}};
    bool is_open = server >= 0;
    while (is_open && !atomic_load(&p->is_stopping)) {
        if (poll(fd, 2, 50) <= 0)
            continue;
        if (fd[0].revents)
            is_open = relay(p, client, server, true);
        if (is_open && fd[1].revents)
            is_open = relay(p, server, client, false);
    }
    if (server >= 0)
        (void)close(server);
    (void)close(client);
}

static void *accept_clients(void *ctx)
{
    pg_proxy *p = ctx;
    struct pollfd fd = {.fd = p->listener, .events = POLLIN};
    while (!atomic_load(&p->is_stopping)) {
        if (poll(&fd, 1, 50) <= 0)
            continue;
        int client = accept(p->listener, NULL, NULL);
        if (client >= 0)
            serve(p, client);
    }
    return NULL;
}

/* The password of the test role, from the file that the DSN names. */
static void read_password(char out[64], const char *dsn)
{
    const char *path = strstr(dsn, "passfile=");
    char line[256] = "";
    FILE *f = path ? fopen(path + strlen("passfile="), "r") : NULL;
    if (!f || !fgets(line, sizeof line, f))
        fail_msg("%s: no password file", dsn);
    (void)fclose(f);
    char *colon = strrchr(line, ':');
    (void)snprintf(out, 64, "%.*s", (int)strcspn(colon + 1, "\n"), colon + 1);
}

void pg_proxy_start(pg_proxy *p, char dsn[WR_TEST_PG_DSN_MAX])
{
    char password[64];
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    const char *slash = strrchr(wr_test_pg_dsn, '?');
    memset(p, 0, sizeof *p);
    read_password(password, wr_test_pg_dsn);
    const char *port = strstr(wr_test_pg_dsn, "127.0.0.1:");
    assert_non_null(port);
    p->server_port = (int)strtol(port + strlen("127.0.0.1:"), NULL, 10);
    while (slash[-1] != '/')
        slash--;
    p->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(p->listener, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(p->listener, 8), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(dsn, WR_TEST_PG_DSN_MAX,
                   "postgresql://walletrisk:%s@127.0.0.1:%d/%.*s", password,
                   ntohs(at.sin_port), (int)strcspn(slash, "?"), slash);
    assert_int_equal(pthread_create(&p->thread, NULL, accept_clients, p), 0);
}

void pg_proxy_stop(pg_proxy *p)
{
    atomic_store(&p->is_stopping, true);
    (void)pthread_join(p->thread, NULL);
    (void)close(p->listener);
}
