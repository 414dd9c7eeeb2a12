/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capget, capset, prctl, of guests whose capabilities are virtual; and what
 * becomes of ids when a program is executed.
 *
 * Where a guest's user ids are virtual, the kernel's rules hold for its
 * capabilities (ids_rules.c). Where they are not, nothing follows from the
 * capabilities that a guest gives itself: they are told to it, and to the
 * programs that it executes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/memory.h"
#include "sys/creds.h"
#include "sys/handlers.h"
#include "sys/real.h"
#include "sys/state.h"
#include "view/layered.h"
#include "view/registry.h"

/* --- capget, capset --- */

/* How many words has each set, by the version of the header? 0 or -errno */
static int words_of(struct request *rq, uint64_t header, int *words)
{
	uint32_t version = 0;
	int err = guest_read(rq->call, header, &version, sizeof(version));

	*words = version == _LINUX_CAPABILITY_VERSION_1 ? 1 :
		 version == _LINUX_CAPABILITY_VERSION_2 ||
		 version == _LINUX_CAPABILITY_VERSION_3 ? 2 : 0;
	return err;
}

static int pid_of(struct request *rq, uint64_t header, int *pid)
{
	return guest_read(rq->call, header +
			  offsetof(struct __user_cap_header_struct, pid),
			  pid, sizeof(*pid));
}

static int give_caps(struct request *rq, const struct ids_caps *c, int words)
{
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			.effective = c->effective >> 32 * i,
			.permitted = c->permitted >> 32 * i,
			.inheritable = c->inheritable >> 32 * i,
		};
	return guest_write(rq->call, rq->call->arg[1], data,
			   words * sizeof(data[0]));
}

struct verdict call_capget(struct request *rq)
{
	uint64_t header = rq->call->arg[0];
	int words, pid = 0, err = words_of(rq, header, &words);
	struct ids *ids;

	if (!err && words)
		err = pid_of(rq, header, &pid);
	if (err || !words || pid < 0 || !rq->call->arg[1])
		return verdict_native();	/* which says the same */
	ids = !pid || pid == rq->call->tid ? ids_get((struct ids *)ids_of(rq))
					   : ids_of_thread(rq, pid);
	if (!ids_tell_caps(ids)) {
		ids_put(ids);
		return verdict_native();
	}
	err = give_caps(rq, &ids->caps, words);
	ids_put(ids);
	return verdict_value(err);
}

static int take_caps(struct request *rq, struct ids_caps *c, int words)
{
	struct __user_cap_data_struct d[2] = { 0 };
	int err = guest_read(rq->call, rq->call->arg[1], d,
			     words * sizeof(d[0]));

	c->effective = d[0].effective | (uint64_t)d[1].effective << 32;
	c->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	c->inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	return err;
}

static long set_caps(struct ids *to, void *arg)
{
	return ids_capset(to, arg);
}

/* Capabilities alone. */
static int begin_caps(struct request *rq, struct ids **made)
{
	return ids_begin(rq, VU_KEEP_CAPS, made);
}

/* Is the kernel to decide, and not we? */
static bool kernels_caps(struct request *rq)
{
	return !ids_may_begin(rq->sys, VU_KEEP_CAPS);
}

struct verdict call_capset(struct request *rq)
{
	uint64_t header = rq->call->arg[0];
	struct ids_caps want = { 0 };
	int words, pid = 0, err;

	if (kernels_caps(rq))
		return call_identity(rq);
	err = words_of(rq, header, &words);
	if (!err && words)
		err = pid_of(rq, header, &pid);
	if (err || !words)
		return verdict_native();
	if (pid && pid != rq->call->tid)
		return verdict_value(-EPERM);
	err = take_caps(rq, &want, words);
	if (err)
		return verdict_value(err);
	return verdict_value(ids_change(rq, begin_caps, set_caps, &want));
}

/* --- prctl --- */

static bool about_caps(int option)
{
	return option == PR_CAPBSET_READ || option == PR_CAPBSET_DROP ||
	       option == PR_SET_SECUREBITS || option == PR_GET_SECUREBITS ||
	       option == PR_SET_KEEPCAPS || option == PR_GET_KEEPCAPS ||
	       option == PR_CAP_AMBIENT;
}

static long do_prctl(struct ids *to, void *arg)
{
	const struct call *call = arg;

	return ids_prctl(to, (int)call->arg[0], &call->arg[1]);
}

bool ids_answer_prctl(struct request *rq, struct verdict *v)
{
	if (kernels_caps(rq) || !guest_has_ids(rq->guest) ||
	    !about_caps((int)rq->call->arg[0]) || !ids_of(rq))
		return false;
	*v = verdict_value(ids_change(rq, NULL, do_prctl, (void *)rq->call));
	return true;
}

/* --- execution --- */

static ssize_t caps_attribute(struct request *rq, const struct place *p,
			      void *d, size_t size)
{
	struct vu_mount *m = &p->mount->pub;
	char link[32];

	if (p->rel && (m->flags & VU_MOUNT_OWN_XATTR))
		return module_fs(p->mount->module)->getxattr(&rq->ctx, m,
				p->rel, XATTR_NAME_CAPS, d, size);
	return getxattr(fd_link(p->fd, link), XATTR_NAME_CAPS, d, size);
}

/* Capabilities of a file, as the kernel reads them. */
static void read_file_caps(struct request *rq, const struct place *p,
			   struct ids_program *prog)
{
	struct vfs_ns_cap_data d = { 0 };
	ssize_t n = caps_attribute(rq, p, &d, sizeof(d));
	uint32_t magic = d.magic_etc;

	if (n < (ssize_t)XATTR_CAPS_SZ_1)
		return;
	/* given by the root of some user name space, and for it alone */
	if ((magic & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3 && d.rootid)
		return;
	prog->has_caps = true;
	prog->effective = magic & VFS_CAP_FLAGS_EFFECTIVE;
	prog->permitted = d.data[0].permitted;
	prog->inheritable = d.data[0].inheritable;
	if ((magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_1) {
		prog->permitted |= (uint64_t)d.data[1].permitted << 32;
		prog->inheritable |= (uint64_t)d.data[1].inheritable << 32;
	}
	prog->permitted &= caps_all();
	prog->inheritable &= caps_all();
}

/* Ours has its own word on set-id bits, whatever is below it. */
static bool bits_count(const struct place *p)
{
	struct statvfs fs;

	if (p->mount->id)
		return !(p->mount->pub.flags & VU_MOUNT_NOSUID);
	return !fstatvfs(p->fd, &fs) && !(fs.f_flag & ST_NOSUID);
}

static int look_at(struct request *rq, const struct place *p,
		   struct ids_program *prog)
{
	struct stat st;
	int err;

	*prog = (struct ids_program){ 0 };
	if (!p->mount)
		return -ENOENT;
	err = made(p) ? made_attr(rq, p, &st) : fstat(p->fd, &st) ? -errno : 0;
	if (err)
		return err;
	if (!made(p))
		layered_tell(rq->version, &st);
	if (!bits_count(p))
		return 0;
	prog->mode = st.st_mode;
	prog->uid = st.st_uid;
	prog->gid = st.st_gid;
	if (!made(p))
		read_file_caps(rq, p, prog);
	return 0;
}

/*
 * Does it look as if the kernel could execute it? Who tries another way when
 * it cannot (a shell, with a script that does not say so) is to be the same.
 */
static bool executable(const struct place *p)
{
	char link[32], magic[4];
	int fd = p->fd < 0 ? -1 : open(fd_link(p->fd, link), O_RDONLY | O_CLOEXEC);
	bool is = true;

	if (fd < 0)
		return true;
	is = pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	     !memcmp(magic, "\177ELF", sizeof(magic));
	close(fd);
	return is;
}

static bool sets_ids(const struct ids_program *p)
{
	return (p->mode & S_ISUID) ||
	       (p->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
}

static int begin_users(struct request *rq, struct ids **made)
{
	int err = ids_begin(rq, VU_KEEP_IDS, made);

	if (err)
		return err;
	(*made)->users = true;
	/* what a container withholds is the kernel's, and none of it is given */
	(*made)->caps.bounding = caps_all();
	return 0;
}

static long do_exec(struct ids *to, void *arg)
{
	return ids_exec(to, arg);
}

int ids_execute(struct request *rq, const struct place *program)
{
	bool has = ids_of(rq);
	struct ids_program prog;
	int err;

	if (!has && !ids_may_begin(rq->sys, VU_KEEP_IDS))
		return 0;
	if (look_at(rq, program, &prog) || !executable(program))
		return 0;
	if (!has && !sets_ids(&prog))
		return ids_alone(rq);
	err = ids_change(rq, begin_users, do_exec, &prog);
	if (!err)
		err = ids_alone(rq);
	return err == -ENOENT ? 0 : err;
}
