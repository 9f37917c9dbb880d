"""A Dockerfile without an engine: its stages as trees of Debian, its RUN lines by chroot.

Knows what deploy/Dockerfile uses and refuses the rest: FROM, RUN, COPY [--from=STAGE], ENV,
WORKDIR, USER, and VOLUME, STOPSIGNAL, HEALTHCHECK, CMD, which it only reads.  Needs root.
"""
import fnmatch, json, os, pathlib, re, shutil, subprocess, sys, time

SOURCES = [pathlib.Path("/etc/apt/sources.list"), pathlib.Path("/etc/apt/sources.list.d/debian.sources")]
# what a machine behind a proxy, or with certificates of its own, tells its programs
PASSED = ["http_proxy", "https_proxy", "no_proxy", "npm_config_registry", "NODE_EXTRA_CA_CERTS"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SLIM = "".join(f"path-exclude /usr/share/{d}/*\n" for d in ("man", "doc", "locale"))


def call(*args, **more):
    done = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, errors="replace", **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))[:300]}\nexit {done.returncode}, "
                             f"its last lines:\n" + "\n".join(done.stdout.splitlines()[-25:]))
    return done.stdout


def read(path):
    """[(INSTRUCTION, text)] with continued lines joined."""
    lines = [l for l in path.read_text().splitlines() if not l.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(l.split(None, 1)) for l in text.splitlines() if l.strip()]


def make_base(tree):
    """What debian:bookworm-slim is, from this machine's own package sources."""
    known = [p for p in SOURCES if p.is_file()]
    mirrors = [m for p in known for l in p.read_text().splitlines() if not l.startswith("#")
               for m in re.findall(r"https?://\S+/debian/?(?=\s|$)", l)]
    more = ["--include=ca-certificates"] if any(m.startswith("https") for m in mirrors) else []
    call("debootstrap", "--variant=minbase", *more, "bookworm", tree, *mirrors[:1], timeout=600)
    (tree / "etc/apt/sources.list").unlink(missing_ok=True)
    for p in known:
        shutil.copy(p, tree / p.relative_to("/"))
    for p in pathlib.Path("/etc/apt/apt.conf.d").glob("*"):
        if re.search(r"^\s*Acquire::(http|https|Check-|Retries)", p.read_text(), re.M):
            shutil.copy(p, tree / p.relative_to("/"))
    for p in pathlib.Path("/usr/local/share/ca-certificates").glob("*.crt"):
        (tree / "usr/local/share/ca-certificates").mkdir(parents=True, exist_ok=True)
        shutil.copy(p, tree / p.relative_to("/"))
    for p in ("etc/resolv.conf", "etc/hosts"):
        shutil.copy(f"/{p}", tree / p)
    (tree / "etc/dpkg/dpkg.cfg.d/slim").write_text(SLIM)
    for d in ("man", "doc", "locale"):
        shutil.rmtree(tree / "usr/share" / d, ignore_errors=True)


def make_context(root, to):
    """The files of the checkout, changed ones too, less what .dockerignore names."""
    ignored = [l.strip() for l in (root / ".dockerignore").read_text().splitlines() if l.strip()]
    out = call("git", "-c", f"safe.directory={root}", "-C", root, "ls-files", "-z", "-c", "-o",
               "--exclude-standard")
    for name in filter(None, out.split("\0")):
        parts = pathlib.PurePath(name).parts
        is_ignored = any(fnmatch.fnmatch(p, i.removeprefix("**/")) for i in ignored
                         for p in (parts if i.startswith("**/") else parts[:1]))
        if not is_ignored and (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name, follow_symlinks=False)


class Stage:
    def __init__(self, name, tree):
        self.name, self.tree = name, tree
        self.env, self.workdir, self.user, self.said = {}, "/", "root", {}

    def ids(self):
        for line in (self.tree / "etc/passwd").read_text().splitlines():
            name, _, uid, gid = line.split(":")[:4]
            if self.user in (name, uid):
                return int(uid), int(gid)
        raise AssertionError(f"stage {self.name}: USER {self.user} is not in its /etc/passwd")

    def argv(self, command, **env):
        uid, gid = self.ids()
        passed = {k: os.environ[k] for k in PASSED if k in os.environ}
        full = {"PATH": PATH, "HOME": "/root" if uid == 0 else "/", **passed, **self.env, **env}
        return ["chroot", f"--userspec={uid}:{gid}", f"--groups={gid}", str(self.tree), "env", "-i",
                *(f"{k}={v}" for k, v in full.items()),
                "sh", "-c", 'cd "$0" && exec "$@"', self.workdir, *command]

    def run(self, command, **env):
        """A list as an exec form runs, a text as a shell form runs."""
        command = ["/bin/sh", "-c", command] if isinstance(command, str) else command
        proc = self.tree / "proc"
        call("mount", "-t", "proc", "proc", proc)
        try:
            return call(*self.argv(command, **env), timeout=1200)
        finally:
            call("umount", "-l", proc)

    def copy(self, origin, sources, to):
        """Docker's rules: of a folder its contents; several files, or "/" at the end, into a folder."""
        target = self.tree / os.path.join(self.workdir, to).lstrip("/")
        for s in sources:
            found = origin / s.lstrip("/")
            if found.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                call("cp", "-a", f"{found}/.", target)
            else:
                is_into = to.endswith("/") or len(sources) > 1 or target.is_dir()
                (target if is_into else target.parent).mkdir(parents=True, exist_ok=True)
                call("cp", "-a", found, target)
            call("chown", "-R", "0:0", target)


def build(dockerfile, root, folder):
    """Makes every stage; {name: Stage} in the order of the file."""
    base, context = folder / "base", folder / "context"
    context.mkdir()
    make_context(root, context)
    stages, stage = {}, None
    for word, text in read(dockerfile):
        begun = time.monotonic()
        if word == "FROM":
            image, _, name = text.split()
            if image != "debian:bookworm-slim":
                raise AssertionError(f"FROM {image}: this test only has debian:bookworm-slim")
            if not base.exists():
                make_base(base)
            stage = stages[name] = Stage(name, folder / name)
            call("cp", "-a", "--reflink=auto", base, stage.tree)
        elif word == "RUN":
            stage.run(text)
        elif word == "COPY":
            *sources, to = text.split()
            origin = context
            if sources[0].startswith("--from="):
                origin = stages[sources.pop(0).removeprefix("--from=")].tree
            stage.copy(origin, sources, to)
        elif word == "ENV":
            key, value = text.split("=", 1)
            stage.env[key] = value
        elif word == "WORKDIR":
            stage.workdir = text
            (stage.tree / text.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            stage.user = text
        elif word in ("CMD", "HEALTHCHECK", "VOLUME", "STOPSIGNAL"):
            argv = re.search(r"\[.*\]", text)
            stage.said[word] = json.loads(argv.group()) if argv else text
        else:
            raise AssertionError(f"{dockerfile}: {word} is not known to this test")
        print(f"{time.monotonic() - begun:6.1f} s  {word} {text[:90]}", file=sys.stderr, flush=True)
    return stages


def remove(folder):
    """Never a tree in which something is mounted."""
    for line in reversed(pathlib.Path("/proc/mounts").read_text().splitlines()):
        if line.split()[1].startswith(f"{folder}/"):
            call("umount", "-l", line.split()[1])
    call("rm", "-rf", "--one-file-system", folder)
