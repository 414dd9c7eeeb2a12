/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of names, in the words of the view. */
#include "sys/procfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "engine/gate.h"
#include "engine/task.h"
#include "sys/creds.h"
#include "sys/moved.h"
#include "sys/patched.h"
#include "sys/real.h"
#include "sys/state.h"
#include "view/layered.h"
#include "view/registry.h"

/* Numbers of our mounts, above those of the kernel. */
#define OUR_MOUNTS 1000000u

/* Whose memory is told of. */
struct mapper {
	struct mount *exe;	/* through which it was executed, or NULL */
	pid_t tgid;
	bool moved;		/* it may have opened by other names: own */
	struct plain_own own;
};

/* --- from the kernel's names to the view's --- */

/* The name below m that a kernel name has, if it lies in m's tree. */
static bool in_mount(struct request *rq, struct mount *m, const char *real,
		     char *buf, size_t size)
{
	char top[PATH_MAX];
	ssize_t n, k;

	if (m->pub.root < 0 || m->except_of ||
	    kernel_name(m->pub.root, top, sizeof(top)) < 0)
		return false;
	n = name_below(real, top);
	if (n < 0)
		return false;
	k = request_name(rq, &m->root, buf, size);
	if (k < 0 || (size_t)k + strlen(real + n) >= size)
		return false;
	if (k == 1 && real[n])
		k = 0;
	strcpy(buf + k, real + n);
	return true;
}

/* Does the view have the same file by the kernel's name? */
static bool known_by(struct request *rq, const char *real)
{
	struct found f;
	int err = request_walk(rq, AT_FDCWD, real, WALK_NOFOLLOW, &f);
	bool same = !err && !f.error && f.native;

	found_drop(&f);
	return same;
}

/* Has the caller another root than the monitor, whose names are the real ones? */
static bool has_own_root(const struct request *rq)
{
	const struct place *base = &mount_base()->root;

	return rq->root.mount != base->mount ||
	       !file_id_equal(rq->root.id, base->id);
}

static ssize_t below_root(struct request *rq, const char *real, char *buf,
			  size_t size)
{
	char top[PATH_MAX];
	ssize_t n;

	if (rq->root.fd < 0 || !has_own_root(rq))
		return -ENOSYS;
	n = kernel_name(rq->root.fd, top, sizeof(top)) < 0 ? -1 :
	    name_below(real, top);
	if (n <= 0)
		return -ENOSYS;
	return snprintf(buf, size, "%s", real[n] ? real + n : "/");
}

/* The name in a layered mount. Return: length; -EXDEV: it is in none */
static ssize_t layered_name_of(struct request *rq, const char *real, char *buf,
			       size_t size)
{
	char rel[PATH_MAX];
	struct place p = { .fd = -1, .rel = rel };
	ssize_t n;

	p.mount = layered_of_name(rq->version, real, rel, sizeof(rel), &n);
	if (!p.mount)
		return -EXDEV;
	return n < 0 ? n : request_name(rq, &p, buf, size);
}

ssize_t procfs_name_in_view(struct request *rq, const char *real,
			    char *buf, size_t size)
{
	const struct version *v = rq->version;
	ssize_t n = real[0] == '/' ? layered_name_of(rq, real, buf, size)
				   : -EXDEV;

	if (n >= 0)
		return strcmp(buf, real) ? n : -ENOSYS;
	if (real[0] != '/' || (!has_own_root(rq) && known_by(rq, real)))
		return -ENOSYS;
	for (size_t i = v->nmount; i-- > 0; )
		if (in_mount(rq, v->mount[i], real, buf, size))
			return strlen(buf);
	return below_root(rq, real, buf, size);
}

/* The name of what the kernel calls real and was reached through m, if any. */
static ssize_t name_through(struct request *rq, struct mount *m,
			    const char *real, char *buf, size_t size)
{
	if (m && m->id && in_mount(rq, m, real, buf, size))
		return strlen(buf);
	return procfs_name_in_view(rq, real, buf, size);
}

/*
 * The program that runs from a copy in memory. The copy is shared by all who
 * run that file, by whatever mount.
 */
static ssize_t copied_name(struct request *rq, struct file_id copy,
			   struct mount *through, char *buf, size_t size)
{
	struct place program, as;
	ssize_t n;

	if (!copy.ino || patched_original(copy, &program))
		return -ENOSYS;
	as = place_borrow(&program);
	as.rel = program.rel;
	if (!as.rel)
		as.mount = through ?: mount_base();
	n = request_name(rq, &as, buf, size);
	place_free(&program);
	return n;
}

/* The kernel's text of a link, as far as the caller may know it. */
static ssize_t kernels_text(struct request *rq, const char *link, char *buf,
			    size_t size)
{
	ssize_t n;

	creds_lower(rq);
	n = readlink(link, buf, size - 1);
	if (n < 0)
		n = -errno;
	creds_raise(rq);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

/* --- what is mapped --- */

/* g may be NULL: nothing is known of it */
static struct mapper mapper_of(struct request *rq, pid_t tgid,
			       const struct guest *g)
{
	struct mapper of = { .exe = g ? g->exe : NULL, .tgid = tgid };

	of.moved = g && moved_any(rq) && !gate_opened(tgid, &of.own);
	return of;
}

/* By which mount its process came to a file, as far as that is remembered. */
static struct mount *mapped_by(struct request *rq, const struct mapper *of,
			       struct file_id id, const char *real)
{
	struct place p = NOWHERE;
	struct mount *m = NULL;

	p.id = id;
	descriptors_find(rq->sys->descriptors, of->tgid, -1, &p);
	request_keep(rq, p.mount);
	if (p.mount->id)
		m = p.mount;
	else if (of->moved && plain_own_has(&of->own, id.ino))
		m = moved_mount(rq, real);
	place_drop(&p);
	return m ?: of->exe;
}

/* The name of what a line of maps tells. */
static ssize_t mapped_name(struct request *rq, const struct mapper *of,
			   const char *line, char *buf, size_t size)
{
	const char *path = strchr(line, '/');
	struct file_id id = { 0, 0, 0 };
	unsigned major, minor;
	unsigned long ino;
	ssize_t n;

	if (!path || sscanf(line, "%*s %*s %*s %x:%x %lu", &major, &minor,
			    &ino) != 3)
		return -ENOSYS;
	id.dev = makedev(major, minor);
	id.ino = ino;
	n = copied_name(rq, id, of->exe, buf, size);
	if (n != -ENOSYS)
		return n;
	return name_through(rq, mapped_by(rq, of, id, path), path, buf, size);
}

/* The line of maps about that much memory, to be freed; or NULL. */
static char *mapped_line(pid_t pid, unsigned long from, unsigned long to)
{
	unsigned long a, b;
	char path[32], *line = NULL;
	bool found = false;
	size_t size = 0;
	ssize_t n;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	in = fopen(path, "re");
	while (in && !found && (n = getline(&line, &size, in)) > 0) {
		line[n - 1] = '\0';
		found = sscanf(line, "%lx-%lx", &a, &b) == 2 && a == from &&
			b == to;
	}
	if (in)
		fclose(in);
	if (!found)
		free(line);
	return found ? line : NULL;
}

/* link, in map_files, has the name by which a line of maps begins. */
static ssize_t map_file_name(struct request *rq, pid_t tgid,
			     const struct guest *g, const char *link,
			     char *buf, size_t size)
{
	ssize_t n = kernels_text(rq, link, buf, size);
	unsigned long from, to;
	struct mapper of;
	char *line;

	if (n < 0 ||
	    sscanf(strrchr(link, '/') + 1, "%lx-%lx", &from, &to) != 2)
		return n;
	line = mapped_line(tgid, from, to);
	if (!line)
		return -ENOSYS;
	of = mapper_of(rq, tgid, g);
	n = mapped_name(rq, &of, line, buf, size);
	free(line);
	return n;
}

/* --- links --- */

static ssize_t exe_name(struct request *rq, pid_t pid, const struct guest *g,
			char *buf, size_t size)
{
	char link[64], real[PATH_MAX];
	struct file_id id = { 0, 0, 0 };
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = kernels_text(rq, link, real, sizeof(real));
	if (n < 0)
		return n;
	if (!stat(link, &st))
		id = (struct file_id){ st.st_dev, st.st_ino, 0 };
	n = copied_name(rq, id, g->exe, buf, size);
	if (n != -ENOSYS)
		return n;
	if (g->exe && in_mount(rq, g->exe, real, buf, size))
		return strlen(buf);
	return procfs_name_in_view(rq, real, buf, size);
}

/* What the kernel says of a link, in the words of the view. */
static ssize_t by_text(struct request *rq, struct mount *m, const char *link,
		       char *buf, size_t size)
{
	char real[PATH_MAX];
	ssize_t n = kernels_text(rq, link, real, sizeof(real));

	/* " (deleted)" then is part of the last name */
	return n < 0 ? n : name_through(rq, m, real, buf, size);
}

static ssize_t fd_name(struct request *rq, pid_t pid, int fd, char *buf,
		       size_t size)
{
	char link[64];
	struct place p = NOWHERE;
	struct mount *m;
	ssize_t n = -ENOSYS;
	int o;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
	if (descriptors_empty(rq->sys->descriptors) && !moved_any(rq))
		return by_text(rq, NULL, link, buf, size);
	o = open(link, O_PATH | O_CLOEXEC);
	if (o < 0)
		return n;
	if (place_of_fd(&p, mount_base(), o))
		return n;
	descriptors_find(rq->sys->descriptors, pid, fd, &p);
	request_keep(rq, p.mount);
	moved_find(rq, pid, fd, &p);
	m = p.mount;
	if (m->id && !request_rename(rq, &p))
		n = request_name(rq, &p, buf, size);
	place_drop(&p);
	return n < 0 ? by_text(rq, m, link, buf, size) : n;
}

/*
 * Working directory or root: known where the kernel has another. The kernel's
 * own is told by us if the caller's root is not where we read it from, and if
 * it may be a layered mount's.
 */
static ssize_t guest_place_name(struct request *rq, const struct place *p,
				const char *kernels, char *buf, size_t size)
{
	char link[32], real[PATH_MAX];
	ssize_t n;

	if (!p->mount && !has_own_root(rq))
		return rq->version->nlayered ?
		       by_text(rq, NULL, kernels, buf, size) : -ENOSYS;
	if (!p->mount) {
		n = kernels_text(rq, kernels, real, sizeof(real));
		return n < 0 ? n : below_root(rq, real, buf, size);
	}
	n = request_name(rq, p, buf, size);
	if (n == -ENOENT && p->fd >= 0)
		n = by_text(rq, p->mount, fd_link(p->fd, link), buf, size);
	return n == -ENOSYS ? -ENOENT : n;
}

/* "self" and "thread-self" mean the caller, whoever reads them for it. */
static ssize_t self_text(struct request *rq, const struct place *dir,
			 const char *name, char *buf, size_t size)
{
	pid_t tgid;

	if (dir->id.ino != 1 || !place_in_proc(dir))
		return -ENOSYS;
	tgid = request_tgid(rq);
	if (!strcmp(name, "self"))
		return snprintf(buf, size, "%d", tgid);
	if (!strcmp(name, "thread-self"))
		return snprintf(buf, size, "%d/task/%d", tgid, rq->call->tid);
	return -ENOSYS;
}

ssize_t procfs_readlink(struct request *rq, const struct place *dir,
			const char *name, char *buf, size_t size)
{
	char what[PROC_WHAT], link[32 + PROC_WHAT];
	pid_t tgid, pid = proc_magic(dir, name, what, sizeof(what));
	struct guest *g;
	ssize_t n;

	if (!pid)
		return self_text(rq, dir, name, buf, size);
	g = task_state(rq->sys->tasks, pid, &tgid);
	if (!g)
		return -ENOSYS;
	if (!strcmp(what, "exe")) {
		n = exe_name(rq, pid, g, buf, size);
	} else if (!strncmp(what, "fd/", 3)) {
		n = fd_name(rq, tgid, atoi(what + 3), buf, size);
	} else {
		snprintf(link, sizeof(link), "/proc/%d/%s", pid, what);
		n = what[0] == 'm' ?
		    map_file_name(rq, tgid, g, link, buf, size) :
		    guest_place_name(rq, what[0] == 'c' ? &g->cwd : &g->root,
				     link, buf, size);
	}
	guest_put(g);
	return n;
}

/* --- files --- */


static void put_escaped(FILE *out, const char *s)
{
	if (!*s)
		fputs("none", out);
	for (; *s; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
			fprintf(out, "\\%03o", (unsigned char)*s);
		else
			putc(*s, out);
	}
}

static void put_options(struct request *rq, FILE *out, const struct mount *m)
{
	char text[2 * PATH_MAX];

	mount_options(rq->version, m, text, sizeof(text));
	put_escaped(out, text);
}

/* Is the mount to be seen by this process, and by which name? */
static bool listed(struct request *rq, struct mount *m, char *target,
		   size_t size)
{
	struct place at;

	if (m->except_of || mount_hides(m))
		return false;
	at = place_borrow(&m->root);
	at.rel = m->root.rel;
	return request_name(rq, &at, target, size) > 0;
}

static void put_mount(struct request *rq, FILE *out, struct mount *m, bool info)
{
	const struct mount *in = m->at.mount;
	bool made = mount_served(m) && !mount_layered(m);
	dev_t dev = made ? makedev(0, MADE_MINOR + m->id) : m->root.id.dev;
	char target[PATH_MAX];

	if (!listed(rq, m, target, sizeof(target)))
		return;
	if (info) {
		fprintf(out, "%u %lu %u:%u / ", OUR_MOUNTS + m->id,
			in->id ? OUR_MOUNTS + in->id : m->at.id.mnt,
			major(dev), minor(dev));
		put_escaped(out, target);
		fprintf(out, " %s%s - ", mount_rdonly(m) ? "ro" : "rw",
			m->pub.flags & VU_MOUNT_NOSUID ? ",nosuid" : "");
		put_escaped(out, m->pub.type);
		putc(' ', out);
		put_escaped(out, m->pub.source);
		putc(' ', out);
		put_options(rq, out, m);
	} else {
		put_escaped(out, m->pub.source);
		putc(' ', out);
		put_escaped(out, target);
		putc(' ', out);
		put_escaped(out, m->pub.type);
		putc(' ', out);
		put_options(rq, out, m);
		fputs(" 0 0", out);
	}
	putc('\n', out);
}

static void tell_mounts(struct request *rq, FILE *in, FILE *out, bool info)
{
	char buf[4096];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		fwrite(buf, 1, n, out);
	for (size_t i = 0; i < rq->version->nmount; i++)
		put_mount(rq, out, rq->version->mount[i], info);
}

static void tell_maps(struct request *rq, const struct mapper *of, FILE *in,
		      FILE *out)
{
	char *line = NULL, name[PATH_MAX], *path;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, in)) > 0) {
		path = isxdigit((unsigned char)line[0]) ? strchr(line, '/') : NULL;
		if (path && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (path && mapped_name(rq, of, line, name, sizeof(name)) > 0)
			fprintf(out, "%.*s%s\n", (int)(path - line), line, name);
		else
			fprintf(out, path ? "%s\n" : "%s", line);
	}
	free(line);
}

/* name: "/proc/PID/maps" or the like */
static void tell_maps_of(struct request *rq, const char *name, FILE *in,
			 FILE *out)
{
	struct guest *g = NULL;
	struct mapper of;
	pid_t pid, tgid = 0;

	if (sscanf(name, "/proc/%d/", &pid) == 1)
		g = task_state(rq->sys->tasks, pid, &tgid);
	of = mapper_of(rq, tgid, g);
	tell_maps(rq, &of, in, out);
	guest_put(g);
}

enum telling {
	TELL_NOTHING, TELL_MOUNTS, TELL_MOUNTINFO, TELL_MAPS, TELL_STATUS
};

static enum telling telling_of(const char *name)
{
	const char *last = strrchr(name, '/');

	last = last ? last + 1 : name;
	if (!strcmp(last, "mounts"))
		return TELL_MOUNTS;
	if (!strcmp(last, "mountinfo"))
		return TELL_MOUNTINFO;
	if (!strcmp(last, "maps") || !strcmp(last, "smaps"))
		return TELL_MAPS;
	if (!strcmp(last, "status"))
		return TELL_STATUS;
	return TELL_NOTHING;
}

static int text_file(struct request *rq, const char *name, enum telling what)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *in, *out;
	int fd;

	creds_lower(rq);	/* whose it may be, the kernel decides */
	in = fopen(name, "re");
	creds_raise(rq);
	if (!in)
		return -EACCES;
	out = open_memstream(&bytes, &len);
	if (!out) {
		fclose(in);
		return -ENOMEM;
	}
	if (what == TELL_MAPS)
		tell_maps_of(rq, name, in, out);
	else if (what == TELL_STATUS)
		ids_tell_status(rq, name, in, out);
	else
		tell_mounts(rq, in, out, what == TELL_MOUNTINFO);
	fclose(in);
	fd = fclose(out) ? -ENOMEM : vu_bytes_file(strrchr(name, '/') + 1,
						    bytes, len);
	free(bytes);
	return fd;
}

/* Which telling file is it? name: out, the kernel's name of it */
static enum telling telling_file(const struct place *obj, char *name,
				 size_t size)
{
	if (!S_ISREG(obj->mode) || obj->fd < 0 || !place_in_proc(obj) ||
	    kernel_name(obj->fd, name, size) < 0)
		return TELL_NOTHING;
	return telling_of(name);
}

bool procfs_may_tell_ids(const struct request *rq, const char *path)
{
	return guest_has_ids(rq->guest) && telling_of(path) == TELL_STATUS;
}

bool procfs_tell_owner(struct request *rq, const struct place *obj,
		       struct stat *st)
{
	char name[PATH_MAX];

	return modules_keep() && obj->fd >= 0 && place_in_proc(obj) &&
	       kernel_name(obj->fd, name, sizeof(name)) >= 0 &&
	       ids_tell_owner(rq, name, st);
}

bool procfs_tells(const struct place *obj)
{
	char name[PATH_MAX];

	return telling_file(obj, name, sizeof(name)) != TELL_NOTHING;
}

int procfs_open(struct request *rq, const struct place *obj, uint64_t flags)
{
	char name[PATH_MAX];
	enum telling what;

	if (flags & (O_PATH | O_ACCMODE))
		return -ENOSYS;
	what = telling_file(obj, name, sizeof(name));
	if (what == TELL_STATUS ? !modules_keep() : !rq->version->nmount)
		return -ENOSYS;
	return what == TELL_NOTHING ? -ENOSYS : text_file(rq, name, what);
}
