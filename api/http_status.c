#include "api/http_status.h"

wr_problem_kind wr_http_problem(wr_status s)
{
    switch (s) {
    case WR_EINVAL:
    case WR_EPARSE:
        return WR_PROBLEM_INVALID;
    case WR_ELIMIT:
        return WR_PROBLEM_TOO_LARGE;
    case WR_ENOTFOUND:
        return WR_PROBLEM_NOT_FOUND;
    case WR_ECONFLICT:
        return WR_PROBLEM_CONFLICT;
    case WR_EIO:
        return WR_PROBLEM_STORE;
    case WR_ETIMEOUT:
        return WR_PROBLEM_BUSY;
    case WR_ESTOPPED:
        return WR_PROBLEM_DRAINING;
    case WR_ENOMEM:
        return WR_PROBLEM_NO_MEMORY;
    case WR_OK:
    case WR_ENOCONV:
    case WR_ECORRUPT:
    case WR_STATUS_COUNT:
    default:
        return WR_PROBLEM_INTERNAL;
    }
}

int wr_http_retry_after_s(wr_problem_kind kind)
{
    switch ((int)kind) {
    case WR_PROBLEM_NO_MEMORY:
    case WR_PROBLEM_STORE:
    case WR_PROBLEM_BUSY:
        return 1;
    case WR_PROBLEM_NOT_READY:
    case WR_PROBLEM_DRAINING:
        return 5;
    default:
        return 0;
    }
}

const char *wr_http_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } row[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {207, "Multi-Status"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].status == status)
            return row[i].text;
    return "Unknown";
}
