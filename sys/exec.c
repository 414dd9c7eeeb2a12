/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execve and execveat.
 *
 * The kernel executes files, not the view's names: the program, the
 * interpreter of a script and that of a dynamic program (PT_INTERP) are
 * each looked up in the view. When all three are what the kernel would
 * find, or fail to find, it runs the call as it stands. Otherwise each must
 * be executable for the caller, and the call is rewritten:
 *
 * - the program becomes its real name;
 * - a script becomes its interpreter with the script's name, as the caller
 *   gave it, put into the arguments, as the kernel itself does;
 * - a program whose PT_INTERP is another file in the view runs from a copy
 *   in memory that names a descriptor of the right one (elf.c).
 *
 * The kernel names the new process after what it was given: that name is
 * put right when the call has succeeded (rewrite_program), or with the first
 * call of the new program, which needs no waiting (rewrite_in_passing). Not
 * for programs that gain privileges, as those lose them under a tracer.
 *
 * To look into a program takes a dozen calls, each of which is a question to a
 * server in a mount that is apart, where an execve natively is two. So what is
 * known of a program is kept (heads.c), and that its loader is the kernel's
 * (known.c); then all that is asked is whether the program has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/memory.h"
#include "engine/rewrite.h"
#include "lib/log.h"
#include "sys/creds.h"
#include "sys/elf.h"
#include "sys/handlers.h"
#include "sys/heads.h"
#include "sys/known.h"
#include "sys/patched.h"
#include "sys/procfs.h"
#include "sys/real.h"
#include "sys/state.h"
#include "view/registry.h"

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif
#define EXEC_FLAGS (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EXECVE_CHECK)

#define SCRIPT_DEPTH 5		/* the kernel's limit: then ELOOP */
#define SCRIPT_LINE 256		/* and its view of the first line */
#define WORDS_SIZE (6u << 20)	/* more than that is E2BIG for the kernel */
#define PAGE 4096u
#define HEAD_MAX (2 * SCRIPT_DEPTH)

/* What will be executed. */
struct plan {
	struct place program;	/* owned */
	bool native;		/* the kernel comes to the same, or fails so */
	int interp;		/* descriptor of the view's PT_INTERP, or -1 */
	struct elf_interp elf;
	struct statx st;	/* of the program; nothing of a made one */
	char *head[HEAD_MAX];	/* arguments of scripts, first one last */
	int nhead;
	char given[PATH_MAX];	/* the caller's name of the program */
	char script[PATH_MAX];	/* name to hand to the next interpreter */
	bool script_closed;	/* that name will be gone by then */
	bool gains;		/* it is set-id, or has capabilities */
};

static void plan_free(struct plan *p)
{
	place_drop(&p->program);
	if (p->interp >= 0)
		close(p->interp);
	while (p->nhead)
		free(p->head[--p->nhead]);
}

static int push(struct plan *p, const char *s, size_t len)
{
	if (p->nhead == HEAD_MAX)
		return -ELOOP;
	p->head[p->nhead] = strndup(s, len);
	return p->head[p->nhead++] ? 0 : -ENOMEM;
}

/* Does a server have to be waited for, and no name lead there? */
static bool apart(const struct place *p)
{
	return (p->mount->pub.flags &
		(VU_MOUNT_APART | VU_MOUNT_OWN_ACCESS)) == VU_MOUNT_APART;
}

/* Is it what the kernel has? Then what it is can be known by its times. */
static bool plain_file(const struct place *p)
{
	return !made(p) && !mount_layered(p->mount) &&
	       !(p->mount->pub.flags & VU_MOUNT_OWN_ACCESS);
}

/* Has the caller the right to execute it? As the kernel's open_exec(). */
static int may_execute(struct request *rq, const struct place *p)
{
	if (!S_ISREG(p->mode))
		return -EACCES;
	/* knows of noexec mounts */
	return place_access(rq, p, X_OK);
}

/* The file's content, or -EACCES when it may be executed but not read. */
static int open_program(struct request *rq, const struct place *p)
{
	struct mount *m = p->mount;
	char link[32];
	int fd;

	if (made(p))
		return module_fs(m->module)->open(&rq->ctx, &m->pub, p->rel,
						  O_RDONLY);
	fd = open(fd_link(p->fd, link), O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* --- scripts --- */

static const char *blank(const char *s)
{
	return s + strspn(s, " \t");
}

/*
 * Split "#!interpreter [argument]" as the kernel does.
 * Return: 0, or -ENOEXEC when there is no interpreter in it
 */
static int split_line(char *line, ssize_t n, char **interp, char **arg)
{
	char *end = memchr(line, '\n', n);

	if (!end) {
		/* the name must at least be whole */
		if (n == SCRIPT_LINE &&
		    !strpbrk(blank(line + 2), " \t"))
			return -ENOEXEC;
		end = line + n;
	}
	while (end > line + 2 && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	*interp = (char *)blank(line + 2);
	if (!**interp)
		return -ENOEXEC;
	*arg = *interp + strcspn(*interp, " \t");
	if (**arg) {
		*(*arg)++ = '\0';
		*arg = (char *)blank(*arg);
	}
	return 0;
}

/* Replace the program by what a name of the view leads to. */
static int retarget(struct request *rq, struct plan *p, const char *name)
{
	struct found f;
	int err = request_walk(rq, AT_FDCWD, name, 0, &f);

	if (!err)
		err = f.error;
	p->native = p->native && f.native;
	if (!err) {
		place_drop(&p->program);
		p->program = f.obj;
		f.obj = NOWHERE;
	}
	found_drop(&f);
	return err;
}

/* One level of script. Return: 1 it was one, 0 it is a program, -errno */
static int follow_script(struct request *rq, struct plan *p, int fd)
{
	char line[SCRIPT_LINE + 1], *interp, *arg;
	ssize_t n = pread(fd, line, SCRIPT_LINE, 0);
	int err;

	if (n < 2 || line[0] != '#' || line[1] != '!')
		return 0;
	line[n] = '\0';
	if (split_line(line, n, &interp, &arg))
		return 0;		/* the kernel says ENOEXEC */
	if (p->script_closed)
		return -ENOENT;
	err = push(p, p->script, strlen(p->script));
	if (!err && *arg)
		err = push(p, arg, strlen(arg));
	if (err)
		return err;
	snprintf(p->script, sizeof(p->script), "%s", interp);
	p->script_closed = false;
	err = retarget(rq, p, interp);
	return err ? err : 1;
}

/* --- programs --- */

/* Some of what may be asked costs a FUSE file system's answer: the atime. */
static int look_at(struct plan *p)
{
	memset(&p->st, 0, sizeof(p->st));
	if (made(&p->program))
		return 0;
	return statx(p->program.fd, "", AT_EMPTY_PATH, HEAD_MASK, &p->st) ?
	       -errno : 0;
}

static void read_program(struct plan *p, int fd)
{
	if (elf_find_interp(fd, &p->elf) <= 0)
		p->elf.path[0] = '\0';	/* none, or one the kernel refuses */
	if (plain_file(&p->program))
		head_note(&p->st, &p->elf);
}

static int find_interp(struct request *rq, struct plan *p)
{
	struct found f;
	int err;

	if (!p->elf.path[0] || known_native(rq, p->elf.path))
		return 0;
	err = request_walk(rq, AT_FDCWD, p->elf.path, 0, &f);
	if (!err)
		err = f.error;
	if (!err)
		known_note(rq, p->elf.path, &f);
	p->native = p->native && f.native;
	if (!err && !f.native) {
		err = may_execute(rq, &f.obj);
		p->interp = err ? -1 : open_program(rq, &f.obj);
		if (!err && p->interp < 0)
			err = p->interp;
	}
	found_drop(&f);
	return err;
}

/*
 * The kernel lets nobody but root look into such a process. It would change
 * the real files below a layered mount: there it is not to run.
 * Return: 0 or -EACCES
 */
static int unreadable(struct request *rq, struct plan *p)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;
	bool refused = rq->version->nlayered;

	if (rq->sys->privileged || !rq->version->nmount)
		return 0;
	if (!atomic_flag_test_and_set(&told))
		log_warn("pid %d cannot be read (execute-only program): %s",
			 request_tgid(rq), refused ? "not to be had where "
			 "files are to be left as they are" :
			 "it sees the real names");
	p->native = p->native && !refused;
	return refused ? -EACCES : 0;
}

/*
 * What is known of it. Where to ask is dear, the kernel is left to judge by
 * itself who may execute it, unless it gets a copy of it.
 */
static bool known_program(struct request *rq, struct plan *p, int *err)
{
	*err = look_at(p);
	if (*err || !plain_file(&p->program) || !head_known(&p->st, &p->elf))
		return false;
	*err = find_interp(rq, p);
	if (!*err && (p->interp >= 0 || !apart(&p->program)))
		*err = may_execute(rq, &p->program);
	return true;
}

static int make_plan(struct request *rq, struct plan *p)
{
	for (int depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		int fd, err;

		if (known_program(rq, p, &err))
			return err;
		if (!err)
			err = may_execute(rq, &p->program);
		if (err)
			return err;
		fd = open_program(rq, &p->program);
		if (fd == -EACCES || fd == -EPERM) {
			/* a program, as it is */
			return unreadable(rq, p);
		}
		if (fd < 0)
			return fd;
		err = follow_script(rq, p, fd);
		if (!err)
			read_program(p, fd);
		close(fd);
		if (!err)
			err = find_interp(rq, p);
		if (err <= 0)
			return err;
	}
	return -ELOOP;
}

/* --- the rewritten call --- */

static int word_size(const struct request *rq)
{
	return rq->call->abi == ABI_COMPAT ? 4 : 8;
}

/* The words of a new argv: those of scripts, then the caller's own. */
struct words {
	struct rewrite_word *word;
	size_t n, room;
};

static int add_word(struct words *w, const char *string, uint64_t pointer)
{
	struct rewrite_word *more;

	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		more = reallocarray(w->word, w->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		w->word = more;
	}
	w->word[w->n++] = (struct rewrite_word){ string, pointer };
	return 0;
}

/* Pointers up to the NULL. Return: 1 it was there, 0 not yet, -errno */
static int add_pointers(struct words *w, const unsigned char *from, size_t len,
			int size)
{
	int err = 0;

	for (; len && !err; from += size, len -= size) {
		uint64_t pointer = 0;

		memcpy(&pointer, from, size);	/* little endian */
		if (!pointer)
			return 1;
		err = add_word(w, NULL, pointer);
	}
	return err;
}

/*
 * The caller's own argv from addr on. No read but that of a single word
 * crosses a page: the next one may not be there.
 */
static int old_words(struct request *rq, uint64_t addr, struct words *w)
{
	int size = word_size(rq), err = 0;
	unsigned char buf[PAGE];

	while (!err) {
		size_t len = PAGE - addr % PAGE;

		len = len < (size_t)size ? (size_t)size : len - len % size;
		err = guest_read(rq->call, addr, buf, len);
		if (!err)
			err = add_pointers(w, buf, len, size);
		if (!err && w->n * size > WORDS_SIZE)
			err = -E2BIG;
		addr += len;
	}
	return err < 0 ? err : 0;
}

/* argv of a script: interpreter, its argument, the script, the rest. */
static int write_words(struct request *rq, struct plan *p, struct rewrite *rw,
		       int argv)
{
	uint64_t addr = rq->call->arg[argv], first = 0;
	struct words w = { 0 };
	int err;

	if (!p->nhead)
		return 0;
	err = add_word(&w, p->script, 0);
	for (int i = p->nhead - 1; i >= 0 && !err; i--)
		err = add_word(&w, p->head[i], 0);
	if (!err && addr)
		err = guest_read(rq->call, addr, &first, word_size(rq));
	if (!err && first)
		err = old_words(rq, addr + word_size(rq), &w);
	if (!err)
		err = rewrite_words(rw, argv, w.word, w.n);
	free(w.word);
	return err;
}

/* Run from a descriptor that the guest gets for the time of the call. */
static int lend_program(struct request *rq, struct rewrite *rw, int fd,
			char *name)
{
	int n = rewrite_lend(rw, rq->call, fd);

	if (n < 0)
		return n;
	sprintf(name, "/proc/self/fd/%d", n);
	return 0;
}

static int patched_program(struct request *rq, struct plan *p,
			   struct rewrite *rw, char *name)
{
	char interp[32];
	int fd, err, n = rewrite_lend(rw, rq->call, p->interp);

	if (n < 0)
		return n;
	snprintf(interp, sizeof(interp), "/proc/self/fd/%d", n);
	fd = patched_copy(&p->program, &p->elf, interp);
	if (fd < 0)
		return fd;
	err = lend_program(rq, rw, fd, name);
	close(fd);
	return err;
}

static const char *base(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static struct task_ids own;

static void read_own(void)
{
	if (task_read_ids(getpid(), &own))
		own.uid[0] = -1;
}

/* May the caller follow the links below /proc/PID/fd of the monitor? */
static bool may_look_at_us(struct request *rq)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_own);
	if (request_ids(rq) || own.cap_permitted & ~rq->ids.cap_effective)
		return false;
	for (int i = 0; i < 3; i++)
		if (own.uid[i] != rq->ids.uid[3] ||
		    own.gid[i] != rq->ids.gid[3])
			return false;
	return true;
}

/*
 * A name through the root of a mount that no name leads to, and a descriptor
 * of the monitor: the kernel takes comm from its last part. The caller may
 * have come by other directories, such that this way is closed to it.
 * Return: 0 or -errno
 */
static int name_from_root(struct request *rq, struct plan *p, char *name,
			  size_t size)
{
	const struct mount *m = p->program.mount;
	char rest[PATH_MAX];
	struct statx st;
	int n;

	if (!apart(&p->program) || !may_look_at_us(rq) ||
	    kernel_name(p->program.fd, rest, sizeof(rest)) <= 1 ||
	    strcmp(base(rest), base(p->given)) ||
	    (strchr(rest + 1, '/') && statx(m->pub.root, rest + 1,
		AT_SYMLINK_NOFOLLOW, STATX_INO, &st)))
		return -ENOENT;
	n = snprintf(name, size, "/proc/%d/fd/%d%s", getpid(), m->pub.root,
		     rest);
	return (size_t)n < size ? 0 : -ENAMETOOLONG;
}

/* The name under which the kernel shall execute the program. */
static int program_name(struct request *rq, struct plan *p, struct rewrite *rw,
			char *name, size_t size)
{
	ssize_t n;
	int fd;

	if (p->interp >= 0)
		return patched_program(rq, p, rw, name);
	if (!made(&p->program) &&
	    (kernel_name_for(rq, &p->program, name, size) >= 0 ||
	     !name_from_root(rq, p, name, size)))
		return 0;
	fd = open_program(rq, &p->program);
	n = fd < 0 ? fd : lend_program(rq, rw, fd, name);
	if (fd >= 0)
		close(fd);
	return n;
}

/* An absolute name grows by slashes: the other one shall fit in its place. */
static void pad_name(char *name, const char *other)
{
	size_t n = strlen(name), want = strlen(other);

	if (want <= n || name[0] != '/')
		return;
	memmove(name + (want - n), name, n + 1);
	memset(name, '/', want - n);
}

/* What is apart is mounted nosuid. */
static bool gains_privilege(const struct plan *p)
{
	char link[32];

	if (made(&p->program) || apart(&p->program))
		return false;
	return p->st.stx_mode & (S_ISUID | S_ISGID) ||
	       getxattr(fd_link(p->program.fd, link), XATTR_NAME_CAPS, NULL,
			0) > 0;
}

/*
 * A program for the C library's loader, which looks for its list of libraries
 * to be loaded before all others. The kernel will hardly refuse it.
 */
static bool calls_early(struct request *rq, const struct plan *p)
{
	return p->elf.wide && strstr(p->elf.path, "/ld-linux") &&
	       rq->call->abi == ABI_NATIVE &&
	       request_tgid(rq) == rq->call->tid;
}

static int name_program(struct request *rq, struct rewrite *rw, struct plan *p,
			char *name)
{
	int err;

	if (p->gains)
		return rewrite_program(rw, NULL);
	pad_name(name, p->given);
	err = rewrite_program(rw, p->given);
	if (!err && !strcmp(base(name), base(p->given)) &&
	    strlen(name) >= strlen(p->given) && calls_early(rq, p))
		err = rewrite_in_passing(rw, name);
	return err;
}

static bool checks_only(const struct request *rq)
{
	return rq->row->op[0].flags >= 0 &&
	       rq->call->arg[4] & AT_EXECVE_CHECK;
}

static struct verdict rewrite_exec(struct request *rq, struct plan *p)
{
	int path = rq->row->op[0].path;
	struct rewrite *rw = rewrite_new(rq->call);
	char name[PATH_MAX];
	struct verdict v;
	int err;

	if (!rw)
		return verdict_value(-ENOMEM);
	err = program_name(rq, p, rw, name, sizeof(name));
	if (!err && !checks_only(rq))
		err = name_program(rq, rw, p, name);
	if (!err)
		err = write_words(rq, p, rw, path + 1);
	if (!err)
		err = rewrite_string(rw, path, name);
	if (!err && rq->row->op[0].flags >= 0) {	/* execveat: by name now */
		rewrite_arg(rw, 0, (uint64_t)AT_FDCWD);
		rewrite_arg(rw, 4, rq->call->arg[4] & AT_EXECVE_CHECK);
	}
	if (err) {
		rewrite_free(rw);
		return verdict_value(err);
	}
	v = verdict_rewritten(rw);
	v.value = -EPERM;
	return v;
}

/* How the script will be told its own name. */
static void name_script(struct request *rq, struct plan *p)
{
	int dirfd = rq->row->op[0].dirfd >= 0 ? (int)rq->call->arg[0] : AT_FDCWD;
	const char *path = rq->path[0];

	if (dirfd == AT_FDCWD || path[0] == '/')
		snprintf(p->script, sizeof(p->script), "%s", path);
	else
		snprintf(p->script, sizeof(p->script), "/dev/fd/%d%s%.4000s", dirfd,
			 *path ? "/" : "", path);
	strcpy(p->given, p->script);
	p->script_closed = p->script[0] == '/' && path[0] != '/' &&
			   (descriptor_flags(rq->call->tid, dirfd) & O_CLOEXEC);
}

struct verdict call_exec(struct request *rq)
{
	struct found *f = &rq->found[0];
	struct plan plan = { .program = NOWHERE, .interp = -1,
			     .native = f->native };
	struct verdict v = verdict_native();
	int err;

	if (rq->row->op[0].flags >= 0 && (int)rq->call->arg[4] & ~EXEC_FLAGS)
		return v;		/* the kernel says why not */
	if (f->error || !f->obj.mount) {
		creds_changed(rq->sys);	/* it may be there by then */
		return f->native ? v : verdict_value(f->error);
	}
	if (S_ISLNK(f->obj.mode))
		return verdict_value(-ELOOP);
	plan.program = f->obj;
	f->obj = NOWHERE;
	name_script(rq, &plan);
	err = make_plan(rq, &plan);
	plan.gains = err || gains_privilege(&plan);
	creds_executes(rq, plan.gains);
	if (err)
		v = plan.native ? v : verdict_value(err);
	else if (!checks_only(rq) && (err = ids_execute(rq, &plan.program)))
		v = verdict_value(err);
	else if (!plan.native)
		v = rewrite_exec(rq, &plan);
	if (v.kind != VERDICT_VALUE)
		guest_executes(rq, plan.program.mount);
	plan_free(&plan);
	return v;
}
