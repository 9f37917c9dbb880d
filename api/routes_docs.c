/*
 * GET /docs: Swagger UI over /openapi.yaml.
 *
 * The page and its starter are ours; the two big files come from the npm package
 * swagger-ui-dist, which api/web/package.json pins and the quickstart installs.  Only
 * names of this table are ever opened, so no path of a client reaches the file system.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/routes.h"

static const char page[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>walletrisk API</title>\n"
    "<link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\">\n"
    "<link rel=\"icon\" type=\"image/png\" href=\"/docs/favicon-32x32.png\">\n</head>\n"
    "<body>\n<div id=\"swagger-ui\"></div>\n"
    "<script src=\"/docs/swagger-ui-bundle.js\"></script>\n"
    "<script src=\"/docs/start.js\"></script>\n</body>\n</html>\n";

static const char start[] =
    "window.ui = SwaggerUIBundle({url: '/openapi.yaml', dom_id: '#swagger-ui', "
    "deepLinking: true, validatorUrl: null});\n";

static const struct {
    const char *name, *media_type;
    const char *text; /* NULL: a file of docs_dir */
} files[] = {
    {"start.js", "text/javascript", start},
    {"swagger-ui.css", "text/css", NULL},
    {"swagger-ui-bundle.js", "text/javascript", NULL},
    {"favicon-32x32.png", "image/png", NULL},
};

static FILE *open_file(const wr_app *app, const char *name)
{
    char path[WR_CONFIG_TEXT_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/%s", app->docs_dir, name);
    return fopen(path, "re");
}

static wr_status refuse_missing(wr_exchange *x, wr_err *err)
{
    return wr_refuse(
        x, err, WR_PROBLEM_NOT_INSTALLED,
        "swagger-ui-dist is not in %.160s: run 'npm ci --omit=dev' in api/web, "
        "or give --docs-dir; the document itself is at /openapi.yaml",
        x->app->docs_dir);
}

static void protect(wr_exchange *x)
{
    wr_exchange_header(x, "Content-Security-Policy",
                       "default-src 'self'; style-src 'self' 'unsafe-inline'; "
                       "img-src 'self' data:; frame-ancestors 'none'");
}

wr_status wr_route_docs(wr_exchange *x, wr_err *err)
{
    FILE *f = open_file(x->app, "swagger-ui-bundle.js");
    if (!f)
        return refuse_missing(x, err);
    (void)fclose(f);
    protect(x);
    x->status = 200;
    x->media_type = "text/html; charset=utf-8";
    wr_buf_add(&x->out, page, sizeof page - 1);
    return WR_OK;
}

static wr_status read_file(wr_exchange *x, FILE *f, wr_err *err)
{
    enum { CHUNK = 65536, FILE_MAX = 16 << 20 };
    char *chunk = wr_arena_alloc(&x->arena, CHUNK);
    if (!chunk)
        return wr_fail(err, WR_ENOMEM, "a documentation file");
    for (size_t n; (n = fread(chunk, 1, CHUNK, f)) > 0;) {
        wr_buf_add(&x->out, chunk, n);
        if (x->out.len > FILE_MAX)
            return wr_fail(err, WR_EIO, "a documentation file over %d bytes",
                           (int)FILE_MAX);
    }
    if (ferror(f))
        return wr_fail(err, WR_EIO, "a documentation file: %s", strerror(errno));
    return WR_OK;
}

wr_status wr_route_docs_file(wr_exchange *x, wr_err *err)
{
    size_t i = 0;
    while (i < sizeof files / sizeof *files &&
           !wr_text_eq(x->path_param[0], wr_text_of(files[i].name)))
        i++;
    if (i == sizeof files / sizeof *files)
        return wr_refuse(x, err, WR_PROBLEM_NOT_FOUND, "that is no file of this page");
    x->status = 200;
    x->media_type = files[i].media_type;
    protect(x);
    if (files[i].text) {
        wr_buf_adds(&x->out, files[i].text);
        return WR_OK;
    }
    FILE *f = open_file(x->app, files[i].name);
    if (!f)
        return refuse_missing(x, err);
    wr_status s = read_file(x, f, err);
    (void)fclose(f);
    return s;
}
