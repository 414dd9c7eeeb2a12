/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path walk, against the kernel.
 *
 * Input: a byte that chooses the view, one the start, one the flags, and
 * the path. A small real tree has what walks stumble over; the views are
 * made by view_attach() with the real modules, as guests make them.
 *
 * What must hold: no descriptor is left over; BENEATH and IN_ROOT stay
 * below the start; whoever leaves no room for a difference (no mount, no
 * magic link) says native; and native means that the kernel comes to the
 * same object, or to the same error. The view `moves` can be told to the
 * kernel as well, with bind mounts in a mount name space of their own:
 * there walk and kernel must agree on every path, native or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "view/attach.h"

const char fuzz_name[] = "walk";

enum { RETRIES = 3, AGAIN = 1000 };

static char tree[PATH_MAX / 2];		/* the real name of the tree */

/* Nobody here calls it, but modules do: it must be linked. */
int (*const for_modules)(struct vu_ctx *, struct vu_mount *, const char *,
			 struct vu_dir *) = vu_readdir;

/* --- the tree --- */

static const char *const directories[] = {
	"a", "a/b", "a/b/c", "d", "m", "m/below", "m/b", "src", "src/sub",
	"src/sub/deep", "src/over", "h", "sticky",
};

static const char *const files[] = {
	"file", "a/file", "a/b/c/file", "src/file", "src/sub/file", "h/file",
	"m/below/file", "d/target",
};

/* A text that begins with @ is absolute: the rest is below the tree. */
static const struct { const char *name, *text; } links[] = {
	{ "la", "a" }, { "lb", "a/b/" }, { "up", ".." }, { "self", "." },
	{ "abs", "@/a" }, { "top", "@" }, { "root", "/" }, { "loop", "loop" },
	{ "l1", "l2" }, { "l2", "l1" }, { "dangling", "nowhere" },
	{ "lf", "a/b/c/file" }, { "lf2", "lf" }, { "fslash", "file/" },
	{ "into", "m" }, { "into2", "m/sub/deep" }, { "intof", "m/sub/file" },
	{ "a/b/out", "../../m/sub" }, { "a/b/c/far", "@/m/over/../../a" },
	{ "src/up", ".." }, { "src/abs", "@/m/sub" }, { "src/back", "../a" },
	{ "src/sub/self", "../sub/../sub" }, { "src/sub/root", "@/src" },
	{ "d/l", "target" }, { "sticky/theirs", "../a" },
	{ "procself", "/proc/self" }, { "proccwd", "/proc/self/cwd" },
	{ "dots", "a/./b/../b/.//c" }, { "m/covered", "below" },
};

/* The full name; @ in it stands for the tree again. */
static void path_of(char *buf, size_t size, const char *name)
{
	const char *at = strchrnul(name, '@');

	snprintf(buf, size, "%s%s%.*s%s%s", tree, *name ? "/" : "",
		 (int)(at - name), name, *at ? tree : "", *at ? at + 1 : "");
}

static void make_links(void)
{
	char path[PATH_MAX], text[PATH_MAX];

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		path_of(path, sizeof(path), links[i].name);
		snprintf(text, sizeof(text), "%s%s",
			 links[i].text[0] == '@' ? tree : "",
			 links[i].text + (links[i].text[0] == '@'));
		fuzz_check(!symlink(text, path), "%s", path);
	}
	/* c40 takes 40 links, the most there may be; c41 one more */
	for (int i = 0; i <= 41; i++) {
		snprintf(path, sizeof(path), "%s/c%d", tree, i);
		snprintf(text, sizeof(text), "c%d", i - 1);
		fuzz_check(!symlink(i ? text : "a", path), "%s", path);
	}
	memset(text, '/', sizeof(text));
	memcpy(text, "a", 1);
	text[4000] = '\0';
	path_of(path, sizeof(path), "long");
	fuzz_check(!symlink(text, path), "%s", path);
	path_of(path, sizeof(path), "sticky/theirs");
	if (!geteuid())
		fuzz_check(!lchown(path, 65534, 65534), "%s", path);
}

static void make_tree(void)
{
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/vu-walk-XXXXXX", tmp ? tmp : "/tmp");
	fuzz_check(mkdtemp(path) && realpath(path, tree), "%s", path);
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		path_of(path, sizeof(path), directories[i]);
		fuzz_check(!mkdir(path, 0755), "%s", path);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		path_of(path, sizeof(path), files[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		fuzz_check(fd >= 0, "%s", path);
		close(fd);
	}
	path_of(path, sizeof(path), "sticky");
	fuzz_check(!chmod(path, 01777), "%s", path);
	make_links();
}

static void remove_tree(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf --one-file-system '%s'",
		 tree);
	if (system(command))
		fprintf(stderr, "%s is left\n", tree);
}

/* --- the views --- */

struct attached { const char *type, *source, *target, *options; };

static const struct attached moves[] = {
	{ "vufs", "src", "m", "" },
	{ "vufs", "a/b", "m/over", "" },
	{ "vufs", "src/sub", "a/b/c", "" },
	{ "vufs", "src/file", "file", "" },
	{ "vufs", "m/sub", "d", "" },
	{ }
};

static const struct attached mixed[] = {
	{ "vufs", "src", "new", "" },
	{ "vufs", "src/file", "newfile", "rdonly" },
	{ "vufs", "none", "h", "hide" },
	{ "vufs", "none", "new/file", "hide" },
	{ "vufs", "a", "m", "except=/b" },
	{ "vufs", "m", "d", "rdonly" },
	{ "vufs", "d/b", "new/sub", "" },
	{ }
};

static const struct attached made[] = {
	{ "unreal", "none", "u", "" },
	{ "unreal", "none", "u", "" },
	{ "vufs", "u@/src", "m", "" },
	{ "vufs", "src", "d", "" },
	{ }
};

static const struct attached rooted[] = {
	{ "vufs", "src", "m", "" },
	{ "vufs", "", "/", "" },
	{ }
};

static const struct attached none[] = { { } };

enum { NONE, MOVES, MIXED, MADE, ROOTED, NVIEWS };
static const struct attached *const mounts[NVIEWS] = {
	none, moves, mixed, made, rooted
};
static struct view *view[NVIEWS];
static struct version *version[NVIEWS];

static struct walker walker_in(const struct version *v, struct vu_ctx *ctx)
{
	*ctx = (struct vu_ctx){ .version = v, .root = &mount_base()->root,
				.cwd = &mount_base()->root };
	return (struct walker){ .version = v, .root = ctx->root, .ctx = ctx,
				.root_agrees = true, .tid = getpid() };
}

static void attach(struct view *v, const struct attached *m)
{
	char source[PATH_MAX], target[PATH_MAX];
	struct attach a = { .type = m->type, .target = target,
			    .source = source, .options = m->options };
	struct version *now = view_version(v);
	struct vu_message msg;
	struct vu_ctx ctx;

	path_of(source, sizeof(source), m->source);
	path_of(target, sizeof(target), m->target);
	if (!strcmp(m->source, "none"))
		a.source = "none";
	if (m->target[0] == '/')
		a.target = m->target;
	walker_in(now, &ctx);
	fuzz_check(!view_attach(v, &ctx, &a, &msg), "%s", msg.text);
	version_put(now);
}

static void make_views(void)
{
	const char *build = getenv("BUILD");
	char path[PATH_MAX];

	/* else modules are found beside the program */
	if (build) {
		snprintf(path, sizeof(path), "%s/lib/vu", build);
		setenv("VU_MODULE_PATH", path, 1);
	}
	for (int i = 0; i < NVIEWS; i++) {
		view[i] = view_new(i + 1, NULL, "");
		fuzz_check(view[i], "no memory");
		for (const struct attached *m = mounts[i]; m->type; m++)
			attach(view[i], m);
		version[i] = view_version(view[i]);
	}
}

/* --- where walks start --- */

static const char *const starts[] = {
	"", "a", "a/b/c", "m", "src/sub", "d", "a/b", "m/over",
};
enum { NSTARTS = sizeof(starts) / sizeof(*starts) };

static struct start {
	struct place place;
	bool agrees;
	int fd;			/* the kernel's */
	int bound;		/* the kernel's, with the moves bound; -1 */
} start[NVIEWS][NSTARTS];
static int bound_root = -1;

static void find_start(int i, int k)
{
	struct start *s = &start[i][k];
	struct vu_ctx ctx;
	struct walker w = walker_in(version[i], &ctx);
	char path[PATH_MAX];
	struct found f;

	path_of(path, sizeof(path), starts[k]);
	s->bound = -1;
	s->fd = open(path, O_PATH | O_CLOEXEC);
	if (walk(&w, w.root, true, path, 0, &f) || f.error) {
		/* not in this view */
		s->place = mount_base()->root;
		s->agrees = true;
		s->fd = open("/", O_PATH | O_CLOEXEC);
	} else {
		s->place = f.obj;
		s->agrees = f.native;
		f.obj = NOWHERE;
	}
	found_drop(&f);
}

/* --- the moves, told to the kernel --- */

static void bind(const struct attached *m)
{
	char source[PATH_MAX], target[PATH_MAX];

	path_of(source, sizeof(source), m->source);
	path_of(target, sizeof(target), m->target);
	if (mount(source, target, NULL, MS_BIND, NULL))
		_exit(1);
}

/*
 * Runs in a child that shares our descriptors: what it opens in its name
 * space stays open here, and keeps that name space alive.
 */
static void bind_all(int *fd)
{
	char path[PATH_MAX];

	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		_exit(1);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(1);
	for (const struct attached *m = moves; m->type; m++)
		bind(m);
	fd[0] = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	fd[1] = open("/", O_PATH | O_CLOEXEC);
	for (int k = 0; k < NSTARTS; k++) {
		path_of(path, sizeof(path), starts[k]);
		fd[2 + k] = open(path, O_PATH | O_CLOEXEC);
		if (fd[2 + k] < 0)
			_exit(1);
	}
	_exit(fd[0] < 0 || fd[1] < 0);
}

static void make_bound(void)
{
	int *fd = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0), status;
	pid_t pid;

	fuzz_check(fd != MAP_FAILED, "mmap");
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		bind_all(fd);
	fuzz_check(pid > 0 && waitpid(pid, &status, 0) == pid, "clone");
	if (status) {
		fprintf(stderr, "no mount name space to compare with\n");
	} else {
		bound_root = fd[1];
		for (int k = 0; k < NSTARTS; k++)
			start[MOVES][k].bound = fd[2 + k];
	}
	munmap(fd, 4096);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	umask(022);
	make_tree();
	atexit(remove_tree);
	fuzz_check(!mount_base_init(), "/");
	make_views();
	for (int i = 0; i < NVIEWS; i++)
		for (int k = 0; k < NSTARTS; k++)
			find_start(i, k);
	make_bound();
	return 0;
}

/* --- one walk --- */

/* What the kernel, or the walk, came to. */
struct end {
	int error;
	dev_t dev;
	ino_t ino;
};

static struct end kernel_end(int dir, const char *path, unsigned flags,
			     uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = resolve };
	struct end e = { 0 };
	struct stat st;
	int fd, tries = 0;

	if (flags & WALK_NOFOLLOW)
		how.flags |= O_NOFOLLOW;
	if (flags & WALK_BENEATH)
		how.resolve |= RESOLVE_BENEATH;
	if (flags & WALK_IN_ROOT)
		how.resolve |= RESOLVE_IN_ROOT;
	if (flags & WALK_NO_LINKS)
		how.resolve |= RESOLVE_NO_SYMLINKS;
	if (flags & WALK_NO_MAGIC)
		how.resolve |= RESOLVE_NO_MAGICLINKS;
	if (flags & WALK_NO_XDEV)
		how.resolve |= RESOLVE_NO_XDEV;
	/* of a ".." in a scope it does not know while anybody mounts or renames */
	do {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	} while (fd < 0 && errno == EAGAIN && tries++ < AGAIN);
	if (fd < 0)
		return (struct end){ .error = -errno };
	fuzz_check(!fstat(fd, &st), "fstat");
	e.dev = st.st_dev;
	e.ino = st.st_ino;
	close(fd);
	return e;
}

static struct end walk_end(int err, const struct found *f)
{
	if (err || f->error)
		return (struct end){ .error = err ? err : f->error };
	return (struct end){ 0, f->obj.id.dev, f->obj.id.ino };
}

/*
 * With NO_XDEV the kernel refuses an absolute symlink also where it would
 * stay on the mount, unless it has had to look at the root before. At the
 * top of a scope it begins again, and counts all symlinks a second time.
 */
static bool same(struct end mine, struct end theirs, unsigned flags)
{
	if ((flags & WALK_NO_XDEV) && theirs.error == -EXDEV)
		return true;
	if ((flags & (WALK_BENEATH | WALK_IN_ROOT)) && theirs.error == -ELOOP)
		return true;
	return mine.error == theirs.error &&
	       (mine.error || (mine.dev == theirs.dev && mine.ino == theirs.ino));
}

/* Descriptors, processes and devices change under our feet. */
static bool unsteady(const char *path)
{
	return strstr(path, "proc") || strstr(path, "dev") ||
	       strstr(path, "sys") || strstr(path, "run");
}

static void check_found(const struct start *s, const char *path,
			unsigned flags, const struct found *f, int err)
{
	char top[PATH_MAX], name[PATH_MAX];
	size_t n;

	if (!err && !f->error)
		fuzz_check(f->obj.mount, "%s", path);
	if (!err && f->error && (flags & WALK_PARENT) && f->name[0])
		fuzz_check(f->dir.mount, "%s", path);
	fuzz_check(strlen(f->name) <= NAME_MAX && !strchr(f->name, '/'),
		   "%s", path);
	if (!(flags & (WALK_BENEATH | WALK_IN_ROOT)) || err || f->error ||
	    place_name(&s->place, NULL, top, sizeof(top)) < 0 ||
	    place_name(&f->obj, NULL, name, sizeof(name)) < 0)
		return;
	n = strcmp(top, "/") ? strlen(top) : 0;
	fuzz_check(!strncmp(top, name, n) && (!name[n] || name[n] == '/'),
		   "%s: %s is not below %s", path, name, top);
}

/* The kernel with the moves bound: what it says to the same path. */
static bool bound_end(int k, const char *path, unsigned flags, struct end *e)
{
	const struct start *s = &start[MOVES][k];
	char full[2 * PATH_MAX];
	bool absolute = path[0] == '/';

	if (s->bound < 0 || bound_root < 0)
		return false;
	if (flags & (WALK_BENEATH | WALK_IN_ROOT)) {
		*e = kernel_end(s->bound, path, flags, 0);
		return true;
	}
	/* the way to the start crosses mounts, and "/" here is another one */
	if (flags & WALK_NO_XDEV || !*path)
		return false;
	snprintf(full, sizeof(full), "%s%s%s/%s", absolute ? "" : tree,
		 absolute || !*starts[k] ? "" : "/", absolute ? "" : starts[k],
		 path);
	if (strlen(full) >= PATH_MAX || strlen(path) >= PATH_MAX)
		return false;
	*e = kernel_end(bound_root, full, flags, RESOLVE_IN_ROOT);
	return true;
}

/* Return: NULL, or who is not of the walk's mind */
static const char *disagrees(int i, int k, const char *path, unsigned flags)
{
	const struct start *s = &start[i][k];
	struct vu_ctx ctx;
	struct walker w = walker_in(version[i], &ctx);
	const char *who = NULL;
	struct end mine, theirs;
	struct found f;
	int err;

	err = walk(&w, &s->place, s->agrees, path, flags, &f);
	check_found(s, path, flags, &f, err);
	mine = walk_end(err, &f);
	if (!f.magic && !unsteady(path)) {
		theirs = kernel_end(s->fd, path, flags, 0);
		/* no view is asked about a path that is none */
		if (i == NONE && !f.native && *path && strlen(path) < PATH_MAX)
			who = "native";
		if (f.native && !same(mine, theirs, flags))
			who = "the kernel";
		else if (i == MOVES && bound_end(k, path, flags, &theirs) &&
			 !same(mine, theirs, flags))
			who = "the kernel with bind mounts";
	}
	if (who)
		fprintf(stderr, "walk: %d %lx:%lx, %s: %d %lx:%lx\n",
			mine.error, mine.dev, mine.ino, who, theirs.error,
			theirs.dev, theirs.ino);
	found_drop(&f);
	return who;
}

static int lowest_free(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	int i = fuzz_byte(&in) % NVIEWS, k = fuzz_byte(&in) % NSTARTS;
	unsigned flags = fuzz_byte(&in) & 0x7f;
	char path[PATH_MAX + 64];
	int before = lowest_free();
	const char *who = NULL;

	fuzz_string(&in, path, sizeof(path));
	if ((flags & WALK_BENEATH) && (flags & WALK_IN_ROOT))
		flags &= ~WALK_IN_ROOT;		/* EINVAL from openat2 */
	if (flags & WALK_NO_LINKS)
		flags |= WALK_NO_MAGIC;		/* as sys/operand.c does */
	/* others may work in the same directories: once is no proof */
	for (int n = 0; n < RETRIES; n++) {
		who = disagrees(i, k, path, flags);
		if (!who)
			break;
	}
	fuzz_check(!who, "view %d start %s flags %x path %s: %s differs", i,
		   starts[k], flags, path, who);
	fuzz_check(lowest_free() == before, "%s leaves a descriptor", path);
	return 0;
}
