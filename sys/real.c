/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From places to what the kernel understands: names and descriptors. */
#include "sys/real.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/rewrite.h"
#include "sys/handlers.h"
#include "sys/state.h"
#include "view/registry.h"

static pthread_once_t directory_once = PTHREAD_ONCE_INIT;
static int directory = AT_FDCWD;

static void open_directory(void)
{
	directory = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int fd_directory(void)
{
	pthread_once(&directory_once, open_directory);
	return directory;
}

/* A guest with a kernel root of its own names things from there. */
static ssize_t below_kernel_root(struct request *rq, char *buf, ssize_t n)
{
	char link[64], top[PATH_MAX];
	ssize_t k;

	if (!atomic_load(&rq->sys->chroots))
		return n;
	snprintf(link, sizeof(link), "/proc/%d/root", rq->call->tid);
	k = readlink(link, top, sizeof(top) - 1);
	if (k <= 1)
		return n;
	if (strncmp(buf, top, k) || (buf[k] && buf[k] != '/'))
		return -EXDEV;
	memmove(buf, buf + k, n - k + 1);
	if (n == k)
		strcpy(buf, "/");
	return strlen(buf);
}

/* Does no name lead there for the caller? */
static bool apart(const struct place *p)
{
	return p->mount && (p->mount->pub.flags & VU_MOUNT_APART);
}

ssize_t kernel_name_for(struct request *rq, const struct place *p,
			char *buf, size_t size)
{
	ssize_t n = apart(p) ? -EXDEV : kernel_name(p->fd, buf, size);

	return n < 0 ? n : below_kernel_root(rq, buf, n);
}

/*
 * A name through the monitor's own descriptor of the root of such a mount,
 * for callers that may look at the monitor: those who are no less than it.
 */
static ssize_t name_by_monitor(struct request *rq, const struct place *p,
			       char *buf, size_t size)
{
	const struct mount *m = p->mount;
	char name[PATH_MAX];
	ssize_t n = kernel_name(p->fd, name, sizeof(name));
	int err = request_ids(rq);

	if (n < 0 || err)
		return n < 0 ? n : err;
	if (rq->sys->privileged && rq->ids.uid[1])
		return -EXDEV;
	/* of such a mount the kernel's names begin at its root */
	n = snprintf(buf, size, "/proc/%d/fd/%d%s", getpid(), m->pub.root,
		     name[1] ? name : "");
	return (size_t)n < size ? n : -ENAMETOOLONG;
}

static ssize_t name_of_place(struct request *rq, const struct place *p,
			     char *buf, size_t size)
{
	return apart(p) ? name_by_monitor(rq, p, buf, size)
			: kernel_name(p->fd, buf, size);
}

ssize_t real_name(struct request *rq, int i, char *buf, size_t size)
{
	const struct found *f = &rq->found[i];
	bool by_name = f->name[0] && f->dir.mount &&
		       (f->error || !f->obj.mount || f->obj.fd < 0 ||
			(f->obj.mount == f->dir.mount && S_ISLNK(f->obj.mode)));
	ssize_t n;

	if (by_name) {
		if (f->dir.fd < 0)
			return -EXDEV;
		n = name_of_place(rq, &f->dir, buf, size);
		if (n < 0)
			return n;
		if (n + strlen(f->name) + 2 > size)
			return -ENAMETOOLONG;
		n += sprintf(buf + n, "%s%s", n > 1 ? "/" : "", f->name);
	} else {
		if (f->obj.fd < 0)
			return f->error ?: -EXDEV;
		n = name_of_place(rq, &f->obj, buf, size);
		if (n < 0)
			return n;
	}
	return below_kernel_root(rq, buf, n);
}

/*
 * The call as the caller made it, with the kernel's names in place of the
 * view's: for calls that only the caller itself can make.
 */
struct verdict call_by_real_name(struct request *rq)
{
	struct rewrite *rw;
	char name[PATH_MAX];
	struct verdict v;
	ssize_t n;
	int err = 0;

	rw = rewrite_new(rq->call);
	if (!rw)
		return verdict_value(-ENOMEM);
	for (int i = 0; i < 2 && !err; i++) {
		const struct operand *op = &rq->row->op[i];

		if (op->mode == OPERAND_NONE || rq->found[i].is_descriptor)
			continue;
		n = real_name(rq, i, name, sizeof(name) - 1);
		/* as it was said: "file/" is no name of a file */
		if (n > 0 && rq->found[i].slash && !rq->found[i].dots)
			strcpy(name + n, "/");
		err = n < 0 ? n : rewrite_string(rw, op->path, name);
		/* pivot_root() looks at the first one before */
		if (n < 0 && i && !S_ISDIR(rq->found[0].obj.mode))
			err = -ENOTDIR;
	}
	if (err) {
		rewrite_free(rw);
		return verdict_value(err);
	}
	v = verdict_rewritten(rw);
	v.value = -EPERM;
	return v;
}

struct minted *minted_new(struct request *rq, const struct place *p,
			  int keep)
{
	struct minted *m = calloc(1, sizeof(*m));

	if (!m) {
		if (keep >= 0)
			close(keep);
		return NULL;
	}
	m->place = place_borrow(p);
	m->place.fd = -1;
	m->place.rel = p->rel ? strdup(p->rel) : NULL;
	mount_get(m->place.mount);
	m->tgid = request_tgid(rq);
	m->keep = keep;
	return m;
}

void minted_free(struct minted *m)
{
	if (m->keep >= 0)
		close(m->keep);
	place_free(&m->place);
	free(m);
}

void note_number(struct request *rq, const struct place *place,
		 struct file_id made, int number)
{
	struct minted *m = minted_new(rq, place, -1);

	if (!m)
		return;
	m->made = made;
	descriptors_note(rq->sys->descriptors, number, m);
	minted_free(m);
}

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static bool fetch_works;

/* Find out by doing: fetch a descriptor from a child. */
static void try_fetch(void)
{
	int pidfd, fd;
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (pid < 0)
		return;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	fd = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, 0, 0);
	fetch_works = fd >= 0 || (pidfd >= 0 && errno == EBADF);
	if (fd >= 0)
		close(fd);
	if (pidfd >= 0)
		close(pidfd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

bool can_fetch(void)
{
	pthread_once(&fetch_once, try_fetch);
	return fetch_works;
}

int fetch_descriptor(struct request *rq, int fd)
{
	return fetch_descriptor_of(request_tgid(rq), fd);
}

int fetch_descriptor_of(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0), copy;

	if (pidfd < 0)
		return -errno;
	copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0)
		copy = -errno;
	close(pidfd);
	return copy;
}

unsigned descriptor_flags(pid_t tid, int fd)
{
	char name[64];
	unsigned flags = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/fdinfo/%d", tid, fd);
	f = fopen(name, "re");
	if (f && fscanf(f, "pos: %*d flags: %o", &flags) != 1)
		flags = 0;
	if (f)
		fclose(f);
	return flags;
}

static bool has_default_acl(struct request *rq, const struct place *dir)
{
	struct vu_mount *m = &dir->mount->pub;
	char link[32];

	/* the store may have one beneath it, or none where the target has */
	if (dir->rel && dir->fd >= 0 && mount_layered(dir->mount))
		return module_fs(dir->mount->module)->getxattr(&rq->ctx, m,
			dir->rel, XATTR_NAME_POSIX_ACL_DEFAULT, NULL, 0) > 0;
	return dir->fd >= 0 && getxattr(fd_link(dir->fd, link),
		XATTR_NAME_POSIX_ACL_DEFAULT, NULL, 0) > 0;
}

int masked_mode(struct request *rq, const struct place *dir, mode_t *mode)
{
	int err = request_ids(rq);

	if (!err && !has_default_acl(rq, dir))
		*mode &= ~rq->ids.umask;
	return err;
}
