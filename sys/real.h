/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_REAL_H
#define SYS_REAL_H

#include "sys/descriptors.h"
#include "sys/request.h"

/*
 * The kernel's name of what a walk found, good for the caller's own calls.
 * @i: which name of the call
 * Return: its length, or -errno (-EXDEV: not reachable from its root)
 */
ssize_t real_name(struct request *rq, int i, char *buf, size_t size);

/* The same of a place that has a descriptor. */
ssize_t kernel_name_for(struct request *rq, const struct place *p,
			char *buf, size_t size);

/* The directory of our descriptors, for openat(): quicker than fd_link(). */
int fd_directory(void);

/* What sys_sent() is to note. NULL: no memory. keep is taken over. */
struct minted *minted_new(struct request *rq, const struct place *p,
			  int keep);
void minted_free(struct minted *m);
/*
 * Note a descriptor at a number we never see (-1), or not yet: the guest may
 * use it before sys_sent() has noted the number.
 */
void note_number(struct request *rq, const struct place *place,
		 struct file_id made, int number);

/* Can the monitor fetch descriptors from guests? (Not in the cage.) */
bool can_fetch(void);
/* The caller's own descriptor, or that of a process; or -errno. */
int fetch_descriptor(struct request *rq, int fd);
int fetch_descriptor_of(pid_t pid, int fd);

/* The flags of a guest's descriptor, O_CLOEXEC included; 0: not known */
unsigned descriptor_flags(pid_t tid, int fd);

/* What the module says of a made node, with what it leaves out. 0 or -errno */
int made_attr(struct request *rq, const struct place *p, struct stat *st);

/* May the caller access a made node so (R_OK...)? 0, -EACCES, -errno */
int made_access(struct request *rq, const struct place *p, int want);

/* Does a layered mount decide who may access it, and not the kernel? */
bool place_has_own_access(const struct place *p);

/* May the caller, by its effective ids, access a real or made place so? */
int place_access(struct request *rq, const struct place *p, int want);

/*
 * The mode of something new in dir: less the caller's umask, unless the
 * directory has a default ACL, which stands for it. 0 or -errno
 */
int masked_mode(struct request *rq, const struct place *dir, mode_t *mode);

#endif
