/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_REQUEST_H
#define SYS_REQUEST_H

#include <limits.h>
#include <time.h>
#include <linux/openat2.h>
#include "engine/call.h"
#include "engine/task.h"
#include "sys/guest.h"
#include "sys/sys.h"
#include "view/context.h"
#include "view/walk.h"

/* How a name among the arguments is meant. */
enum operand_mode {
	OPERAND_NONE,
	OPERAND_FOLLOW,		/* a symlink at the end is followed */
	OPERAND_NOFOLLOW,
	OPERAND_NAME,		/* a name in a directory, not what is there */
	OPERAND_AT_FLAGS,	/* followed unless flags has AT_SYMLINK_NOFOLLOW */
	OPERAND_AT_FOLLOW,	/* followed if flags has AT_SYMLINK_FOLLOW */
	OPERAND_OPEN,		/* flags are open(2) flags */
	OPERAND_OPEN_HOW,	/* flags is a pointer to struct open_how */
	OPERAND_FANOTIFY,	/* followed unless FAN_MARK_DONT_FOLLOW */
	OPERAND_MASK_LINK,	/* inotify: followed unless IN_DONT_FOLLOW */
	OPERAND_UMOUNT,		/* followed unless UMOUNT_NOFOLLOW */
};

/*
 * Argument numbers; dirfd and flags are -1 where the call has none. With
 * flags that are not known the kernel refuses the call; 0: it takes any.
 */
struct operand {
	enum operand_mode mode;
	signed char dirfd, path, flags;
	unsigned known;
};

struct attach;
struct request;

enum row_trait {
	ROW_ALWAYS	= 1 << 0,	/* its handler runs in any view */
	ROW_NAMES	= 1 << 1,	/* works on names: parent and last name */
	ROW_NEUTRAL	= 1 << 2,	/* same arguments in every ABI */
	ROW_EMPTY_FD	= 1 << 3,	/* "" with AT_EMPTY_PATH means dirfd itself */
	ROW_CHANGES	= 1 << 4,	/* of what is found: EROFS where it is */
	ROW_VIRTUAL	= 1 << 5,	/* handler also runs for native names */
	ROW_TELLS	= 1 << 9,	/* ... for links of /proc */
	ROW_MOVES	= 1 << 8,	/* ... if the caller's directory is ours */
	ROW_BARE	= 1 << 6,	/* needs neither the caller's ids nor root */
	ROW_NULL_FD	= 1 << 7,	/* no path at all means dirfd itself */
	ROW_NULL_EMPTY	= 1 << 11,	/* no path at all is an empty one */
	ROW_MADE	= 1 << 10,	/* of descriptors, only made() ones matter */
	ROW_IDS		= 1 << 15,	/* concerns only who has virtual ids */
};

/* One row of calls.tab. */
struct row {
	const char *name;
	int nr[2];			/* by enum abi; -1: not in that table */
	unsigned traits;
	struct operand op[2];
	struct verdict (*handle)(struct request *rq);
	const struct when *when;
	size_t nwhen;
};

/* A call on its way through sys: everything copied once. */
struct request {
	struct sys *sys;
	const struct call *call;
	const struct row *row;
	struct guest *guest;
	struct guest *began_as;		/* another than guest, or NULL */
	struct version *version;
	uint64_t epoch;			/* of what gates know; before the version */
	time_t began;			/* no call: when, in seconds */
	pid_t tgid;			/* 0: not known yet, see request_tgid() */
	struct task_ids ids;		/* valid after request_ids() */
	bool has_ids;
	bool assumed;			/* this thread has the caller's ids */
	bool as_real;			/* access(2): the real ids are asked */
	struct place root, cwd;		/* see request_start() */
	bool root_agrees;
	struct place start;		/* given back; NOWHERE: none */
	int start_dirfd;
	bool start_agrees;
	struct vu_ctx ctx;
	struct mount **kept;		/* mounts that places of this request */
	size_t nkept;			/* are in, beside the version's */
	struct walker walker;
	struct open_how how;		/* of the calls that open; copied once */
	int how_error;
	int unseen;		/* why an argument could not be looked at */
	bool has_how;
	char path[2][PATH_MAX];
	struct found found[2];
	int error[2];			/* of the walk, where there is no found */
};

/*
 * Begin and end of a request. guest and version are set by the caller, with
 * references that request_end() gives back.
 */
void request_init(struct request *rq, struct sys *s, const struct call *call,
		  const struct row *row);
void request_end(struct request *rq);

/*
 * Keep a mount until the request ends; takes over the reference. Without
 * memory it is kept for ever.
 */
void request_keep(struct request *rq, struct mount *m);

/*
 * The caller has become g, which is taken over. What it was is kept until the
 * end: places of the request are borrowed from it.
 */
void request_take_guest(struct request *rq, struct guest *g);

/* The process that the calling thread belongs to. */
pid_t request_tgid(struct request *rq);

/* The identity of the caller: umask, ids. 0 or -errno */
int request_ids(struct request *rq);
bool request_in_group(struct request *rq, gid_t gid);

/*
 * The place that a relative name of this call starts from.
 * @agrees: out: the kernel would start there too
 * Return: 0 or -errno (-EBADF, -ENOTDIR)
 */
int request_start(struct request *rq, int dirfd, struct place *start,
		  bool *agrees);

/*
 * It was only looked at, and will be asked for again: *start is kept for that
 * and becomes NOWHERE.
 */
void request_give_back(struct request *rq, int dirfd, struct place *start,
		       bool agrees);

/* The place of a descriptor of the caller, in its mount. 0 or -errno */
int request_fd(struct request *rq, int fd, struct place *p);

/*
 * What a module knows by number may have another name now, or none: put that
 * right. (Where the module cannot tell, it is what the name says.)
 */
int request_rename(struct request *rq, struct place *p);

/*
 * Open, but hidden by a layered mount: nobody else can see what is done to it
 * in this view, and what it was must not be changed.
 */
static inline bool hidden_file(const struct place *p)
{
	return p->unnamed && p->fd >= 0;
}

/* Walk a path for the caller. As walk(). */
int request_walk(struct request *rq, int dirfd, const char *path,
		 unsigned flags, struct found *found);

/* The view's name of a place, as the caller says it. As place_name(). */
ssize_t request_name(struct request *rq, const struct place *p,
		     char *buf, size_t size);

/* Have rq->cwd, the place that names of a mount request start from. */
int request_start_cwd(struct request *rq);

/*
 * Mount for the caller of this request. As view_attach(); who changes what
 * all guests of a privileged monitor see must be privileged.
 */
int request_attach(struct request *rq, const struct attach *a,
		   struct vu_message *why);

/* Mount, unmount for the caller of this request. As sys_mount(). */
int request_mount(struct request *rq, const struct mount_request *req,
		  struct message *msg);
int request_umount(struct request *rq, const char *target, int flags,
		   struct message *msg);

/* Is a change of it, or in it, its module's to make? */
static inline bool module_changes(const struct place *p)
{
	return p->mount && (p->fd < 0 || mount_layered(p->mount));
}

/* Does only a module know this place? (Not to be asked of found->late.) */
static inline bool made(const struct place *p)
{
	return p->mount && p->fd < 0;
}

#endif
