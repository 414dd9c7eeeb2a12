/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_PLACE_H
#define VIEW_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct mount;

/* Which file: what the kernel calls by the same three numbers is the same. */
struct file_id {
	dev_t dev;
	ino_t ino;
	uint64_t mnt;		/* kernel mount; 0 for what a module makes */
};

static inline bool file_id_equal(struct file_id a, struct file_id b)
{
	return a.dev == b.dev && a.ino == b.ino && a.mnt == b.mnt;
}

/*
 * Where a walk stands: an object in a mount. Real objects have fd (O_PATH);
 * objects that a module makes have fd -1 and are known by rel alone.
 * mount NULL: nowhere (an empty place).
 */
struct place {
	struct mount *mount;	/* borrowed; place_hold() for longer */
	int fd;
	bool own;		/* fd is closed by place_drop() */
	bool elsewhere;		/* not where the kernel's own link leads */
	char *rel;		/* name in a served or layered mount, else NULL; owned */
	struct file_id id;
	mode_t mode;		/* type bits at least */
	uint64_t born;		/* when it was made, in ns; 0: not known */
	uint64_t number;	/* its module's own (struct vu_node); 0: none */
	bool unnamed;		/* open, but its name is gone: rel is not it */
	bool same;		/* in a layered mount: as struct vu_node has it */
};

#define NOWHERE ((struct place){ .fd = -1 })

/* Release what the place owns; it becomes NOWHERE. */
void place_drop(struct place *p);

/* A copy that owns a descriptor of its own. 0 or -errno */
int place_copy(struct place *to, const struct place *from);

/* A copy that borrows: valid while the original is. */
struct place place_borrow(const struct place *p);

/* As place_copy, and with a reference to the mount; undo with place_free. */
int place_hold(struct place *to, const struct place *from);
void place_free(struct place *p);

/*
 * Learn id, mode and born of what a descriptor leads to, or (name not "")
 * what has that name in the directory: symlinks in the name are followed,
 * one that is the name itself is not. 0 or -errno
 */
int place_identify(struct place *p, int fd, const char *name);

/* A place in mount for an O_PATH descriptor that it takes over. */
int place_of_fd(struct place *p, struct mount *mount, int fd);

/* An O_PATH descriptor (RESOLVE_...), or -errno. */
int openat2_path(int dir, const char *path, unsigned flags, unsigned resolve);

/* Does the place lie in procfs? */
bool place_in_proc(const struct place *p);
dev_t proc_device(void);		/* 0: there is none */

/* "/proc/self/fd/N" of a descriptor of ours; buf has 32 bytes. */
const char *fd_link(int fd, char *buf);

/*
 * The kernel's name of a descriptor. Return: length, -ENOENT when the
 * object is removed, -ENAMETOOLONG
 */
ssize_t kernel_name(int fd, char *buf, size_t size);

/* If the name lies in the tree called top, the length of top ("/": 0); else -1. */
ssize_t name_below(const char *name, const char *top);

/*
 * The name of a place in the view.
 * @root: what "/" is for the asker; NULL for the real root
 * Return: length; -ENOENT when it is removed or not below root
 */
ssize_t place_name(const struct place *p, const struct place *root,
		   char *buf, size_t size);

#endif
