#!/usr/bin/python3
"""Holds topologies/schema.json against a validator and against `mpsup validate`: what one takes the other must not refuse, of what the
schema can say. Files are read as editors do, by the core schema of YAML 1.2: `on` is a text."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MPSUP = os.path.join(os.environ.get("MPSUP_BUILD", os.path.join(SOURCE, "build/release")), "mpsup")


class Core(yaml.SafeLoader):
    """YAML 1.2.2 section 10.3.2."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
]:
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))
Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value.lstrip("+") or "0", 0)
                     if node.value.startswith("0x") or node.value.startswith("0o") else int(node.value))

STATIC = "workers: {w: {kind: static, listen: '127.0.0.1:1', root: htdocs, %s}}"
DYNAMIC = "workers: {w: {kind: dynamic, listen: '127.0.0.1:1', app: app.psgi, %s}}"
FRONT = "workers: {w: {kind: accelerator, listen: '127.0.0.1:1', routes: [{path: /, root: htdocs}], %s}}"
ROUTE = "workers: {w: {kind: accelerator, listen: '127.0.0.1:1', routes: [{%s}]}, app: {kind: dynamic, app: app.psgi}}"

SEVERAL = ("machines: {a: {address: 10.0.0.1}, b: {address: 10.0.0.2}}\nworkers: {w: {kind: accelerator, on: a, listen: 80, "
           "routes: [{to: app}]}, app: {kind: dynamic, app: app.psgi, %s}}")

GOOD = [
    STATIC % "threads: 2, x-note: {any: thing}",
    STATIC % "threads: '${THREADS}', health: {every: '${EVERY:-5s}', path: /up}",
    STATIC % "env: {A: 1, B: true, C: 012, D: '${THREADS}', E: {file: secret}}, env_file: [a.env]",
    "workers: {w: {kind: static, root: htdocs, listen: ['127.0.0.1:1', {address: '[::1]:2', proxy_protocol: on}], tls_minimum: 1.2}}",
    STATIC % "expires: {'*.css': immutable, '/': 1.5h}, precompressed: off, types: {md: text/plain}",
    STATIC % "log: json, limits: {body: 1GiB}, headers: {X-A: b, Server: ''}, index: [a.html, b.html]",
    "workers: {w: {kind: dynamic, listen: '127.0.0.1:1', pool: 4, cgi: {dir: htdocs, mode: fork, modes: {'*.pl': exec}}}}",
    "workers: {w: {kind: dynamic, listen: '127.0.0.1:1', cgi: htdocs, slow: 2s}}",
    DYNAMIC % "pool: {mode: dynamic, min: 1, max: auto}, recycle: {rss: 300MiB, jitter: 20%}",
    DYNAMIC % "pool: '4', request_timeout: 30s, slow: 2s, warmup: [/, '/x?y=1'], reshare: off",
    DYNAMIC % "rolling: {surge: 25%, unavailable: 1, judge: on, steps: [1, 25%, pause 1m, pause, 100%], keep: 30m}",
    DYNAMIC % "hooks: {pre_roll: [{exec: [/bin/true, a]}, {webhook: 'http://127.0.0.1:9/x', timeout: 1s}]}",
    DYNAMIC % "health: {startup: 2m, readiness: {tcp: '127.0.0.1:1'}, liveness: {exec: [/bin/true], fails: 3}}",
    FRONT % "trusted_proxies: [10.0.0.0/8, '::1'], listing: on, quarantine: {deaths: 0}, limits: {rate: 10}",
    "workers: {w: {kind: accelerator, listen: '127.0.0.1:1', routes: [{path: /, to: '127.0.0.1:2'}], cache: {disk: 8MiB, size: 1MiB}}}",
    ROUTE % "path: /, to: app, cache: on, headers: {X-Frame-Options: DENY}",
    ROUTE % "path: '*.css', root: htdocs}, {host: '*.example.org', path: /, to: app, cache: {default_ttl: 1m, size: 1MiB}",
    ROUTE % "path: /a/, to: ['127.0.0.1:7', '127.0.0.1:8'], check: /up, eject: 3}, {path: /, to: app, error_pages: htdocs",
    STATIC % "" + "\nlogs: {size: 1MiB, age: 1d, keep: 3}\nhistory: {raw: 1h}\nbinaries: one",
    "include: part.yaml\nworkers: {w: {threads: 2}}",
    "workers: {w: {kind: static, listen: 8080, root: htdocs}}",
    "workers: {w: {kind: static, listen: [8080, {address: '8443', proxy_protocol: on}], root: htdocs}}",
    SEVERAL % "on: [a, b], gateway: 8090",
    SEVERAL % "on: b, gateway: {listen: '10.0.0.2:8090', tls: {cert: a.pem, key: a.key, ca: ca.pem}}" + "\ncluster: {unavailable: 5%}",
    SEVERAL % "on: [b], gateway: '8090'" + "\ncluster: {unavailable: 2}\nvip: {address: 10.0.0.9/24, on: [a]}",
]

BAD = [
    "site: s",
    "workers: {}",
    "workers: {w: {listen: '127.0.0.1:1', root: htdocs}}",
    STATIC % "thread: 2",
    STATIC % "threads: 0",
    STATIC % "threads: many",
    STATIC % "threads: '01'",
    STATIC % "pool: 4",
    STATIC % "rolling: {surge: 25%}",
    DYNAMIC % "routes: [{path: /, root: htdocs}]",
    DYNAMIC % "threads: 2",
    DYNAMIC % "pool: {sise: 4}",
    DYNAMIC % "pool: {min: auto}",
    DYNAMIC % "slow: 2",
    DYNAMIC % "slow: 2 s",
    DYNAMIC % "recycle: {rss: 300}",
    DYNAMIC % "recycle: {jitter: 20}",
    DYNAMIC % "mode: develop",
    DYNAMIC % "env: [A=1]",
    DYNAMIC % "env: {A-B: 1}",
    DYNAMIC % "env: {A: [1]}",
    DYNAMIC % "env: {A: {fil: secret}}",
    DYNAMIC % "hooks: {pre_rol: [{exec: [/bin/true]}]}",
    DYNAMIC % "hooks: {pre_roll: [{exce: [/bin/true]}]}",
    DYNAMIC % "health: {path: up}",
    DYNAMIC % "handler: My::Handler",
    "workers: {w: {kind: heavy, listen: '127.0.0.1:1', app: app.psgi}}",
    "workers: {w: {kind: static, listen: 0, root: htdocs}}",
    "workers: {w: {kind: static, listen: 'localhost:8080', root: htdocs}}",
    "workers: {w: {kind: static, listen: [{adress: '127.0.0.1:1'}], root: htdocs}}",
    "workers: {1w: {kind: static, listen: '127.0.0.1:1', root: htdocs}}",
    "workers: {w: {kind: accelerator, listen: '127.0.0.1:1'}}",
    FRONT % "tls: {cert: a.pem}",
    ROUTE % "path: static, root: htdocs",
    ROUTE % "path: /, to: app, cache: maybe",
    ROUTE % "path: /, to: app, pool: 4",
    ROUTE % "path: /, root: htdocs, symlinks: on",
    STATIC % "" + "\nlogs: {keep: 0}",
    STATIC % "" + "\nbinaries: three",
    STATIC % "" + "\nmachines: {here: {adress: 127.0.0.1}}",
    STATIC % "on: {here: x}",
    STATIC % "gateway: 8090",
    STATIC % "" + "\ncluster: {unavailable: 0}",
    STATIC % "" + "\nhere: web1",
    SEVERAL % "on: b, gateway: {port: 8090}",
    SEVERAL % "on: b, gateway: 8090" + "\nvip: 10.0.0.9",
]

failures = 0


def check(is_good, what, detail=""):
    global failures
    if not is_good:
        failures += 1
        print(f"not ok: {what}\n    {detail}")


def main():
    with open(os.path.join(SOURCE, "topologies/schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)

    def complaint(text):
        error = jsonschema.exceptions.best_match(validator.iter_errors(yaml.load(text, Core)))
        return error and f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message[:300]}"

    shipped = sorted(glob.glob(os.path.join(SOURCE, "topologies/*.yaml")))
    check(len(shipped) >= 8, "there are topologies")
    for path in shipped:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        check(complaint(text) is None, f"the schema takes {path}", complaint(text))

    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "htdocs"))
        for name, text, mode in [("app.psgi", "sub { [200, [], []] }\n", 0o644), ("secret", "x\n", 0o600),
                                 ("a.env", "A=1\n", 0o644),
                                 ("part.yaml", "site: s\n" + STATIC % "", 0o644)]:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(os.path.join(folder, name), mode)

        def refusal(text):
            path = os.path.join(folder, "site.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run([MPSUP, "validate", path], capture_output=True, text=True, timeout=60, check=False,
                                  env={**os.environ, "THREADS": "2"})
            check(done.returncode in (0, 78), f"mpsup validate judges {text}", done.stderr)
            return done.stderr if done.returncode else None

        for text in GOOD:
            whole = text if text.startswith("include") else "site: s\n" + text
            check(complaint(whole) is None, f"the schema takes {text}", complaint(whole))
            check(refusal(whole) is None, f"mpsup takes {text}", refusal(whole))
        for text in BAD:
            whole = text if text.startswith("site") else "site: s\n" + text
            check(complaint(whole) is not None, f"the schema refuses {text}")
            check(refusal(whole) is not None, f"mpsup refuses {text}")
    print(f"{len(shipped)} shipped, {len(GOOD)} good, {len(BAD)} bad: {failures} wrong")
    return 1 if failures else 0


sys.exit(main())
