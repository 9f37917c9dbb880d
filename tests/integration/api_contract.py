"""openapi.yaml as a judge of answers, and a record of what it has judged."""
import json, re
import jsonschema, yaml
from api_server import ROOT

DOCUMENT = yaml.safe_load((ROOT / "api" / "openapi.yaml").read_text())
SEEN = set()  # (method, template, status, media type)


def resolve(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def pattern(template):
    return re.compile("^" + re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(template)) + "$")


# Templates without parameters first: /docs/{file} must not take what is spelled out.
TEMPLATES = sorted(DOCUMENT["paths"], key=lambda t: t.count("{"))


def operation(method, path):
    for template in TEMPLATES:
        if pattern(template).match(path.partition("?")[0]):
            return template, DOCUMENT["paths"][template].get(method.lower())
    return None, None


def validator(schema):
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema,
              "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def check_schema(schema, value, where):
    errors = sorted(validator(schema).iter_errors(value), key=lambda e: list(e.path))
    if errors:
        e = jsonschema.exceptions.best_match(errors)
        raise AssertionError(f"{where}: at /{'/'.join(map(str, e.path))}: {e.message[:400]}")


def check_headers(response, answer, where):
    for name, header in response.get("headers", {}).items():
        header = resolve(header)
        value = answer.headers.get(name)
        if value is None:
            if header.get("required"):
                raise AssertionError(f"{where}: no header {name}")
            continue
        schema = resolve(header["schema"])
        if schema["type"] == "integer":
            value = int(value)
        if schema["type"] == "boolean":
            value = {"true": True, "false": False}[value]
        check_schema(schema, value, f"{where} header {name}")


def check(method, path, answer):
    """The answer is one that openapi.yaml promises for this request."""
    template, op = operation(method, path)
    where = f"{method} {path} -> {answer.status}"
    if op is None:
        if answer.status not in (404, 405):
            raise AssertionError(f"{where}: no such operation in openapi.yaml")
        response = DOCUMENT["components"]["responses"]["Problem"]
    else:
        responses = op["responses"]
        response = resolve(responses.get(str(answer.status)) or responses["default"])
    media = answer.headers.get("Content-Type", "").partition(";")[0]
    if media not in response["content"]:
        raise AssertionError(f"{where}: {media} is not one of {list(response['content'])}")
    check_headers(response, answer, where)
    if media.endswith("json"):
        check_schema(response["content"][media]["schema"], json.loads(answer.body), where)
    if media == "application/problem+json":
        problem = answer.json
        if problem["status"] != answer.status:
            raise AssertionError(f"{where}: the body says {problem['status']}")
        if not problem["instance"].endswith(answer.headers["X-Request-Id"]):
            raise AssertionError(f"{where}: instance is not the request's id")
    SEEN.add((method, template, str(answer.status), media))
    return answer


def promised():
    """Every (method, template, status, media type) that is spelled out."""
    for template, methods in DOCUMENT["paths"].items():
        for method, op in methods.items():
            for status, response in op["responses"].items():
                if status != "default":
                    for media in resolve(response)["content"]:
                        yield method.upper(), template, status, media


def parameters(template, method):
    """name -> schema of the query parameters."""
    op = DOCUMENT["paths"][template][method.lower()]
    found = [resolve(p) for p in op.get("parameters", [])]
    return {p["name"]: resolve(p["schema"]) for p in found if p["in"] == "query"}
