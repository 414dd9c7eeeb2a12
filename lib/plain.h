/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_PLAIN_H
#define LIB_PLAIN_H

/*
 * What a call by name may be made natively for, without that anybody is
 * asked: memory that the monitor shares with the gates of all guests, which
 * cannot write there. Theory of operation in plain.c.
 *
 * This is its layout, for arch/.../names.S as well.
 */
#define PLAIN_MAGIC		0
#define PLAIN_STATE		8	/* enum plain_state */
#define PLAIN_ALONE		12	/* 32 bits: there was a MOVE_ALONE */
#define PLAIN_ASK		16	/* 32-bit counters, by enum plain_ask */
#define PLAIN_EPOCH		48	/* of the directories, 64 bits */
#define PLAIN_DEVICE		56	/* what is told of it is asked: st_dev */
#define PLAIN_DEVICE_X		64	/* ... and as statx() has it */
#define PLAIN_LAST		512	/* names not plain at the end of a path */
#define PLAIN_LAST_BITS		4096	/* (the uppermost of the hash) */
#define PLAIN_NAMES		4096	/* the set of names that are not plain */
#define PLAIN_NAMES_BITS	(1 << 20)
#define PLAIN_DIRS		(PLAIN_NAMES + PLAIN_NAMES_BITS / 8)
#define PLAIN_NDIRS		4096	/* directories, 64 bits each */
#define PLAIN_MOVES		(PLAIN_DIRS + PLAIN_NDIRS * 8)
#define PLAIN_NMOVES		256	/* directories by other names */
#define PLAIN_SIZE		(PLAIN_MOVES + PLAIN_NMOVES * MOVE_SIZE)

/* One of those. */
#define MOVE_KEY		0	/* whose name it is here, 64 bits */
#define MOVE_DIR		8	/* ... and for the kernel */
#define MOVE_FLAGS		16	/* 32 bits */
#define MOVE_LEN		20	/* 32 bits */
#define MOVE_NAME		24	/* the kernel's name: "", "/a/b" */
#define MOVE_SHIFT		8
#define MOVE_SIZE		(1 << MOVE_SHIFT)

/* Flags: it may only be looked at; ... */
#define MOVE_RDONLY		1
/* ... it is a store's, and all there is under its name; ... */
#define MOVE_ALONE		2
/* ... and who may do what in it is told, not what the kernel says. */
#define MOVE_TOLD		4

/*
 * Behind it a process has memory of its own: a bit for the number of each file
 * that it opened by the other name of a directory (sys/moved.c).
 */
#define PLAIN_OWN_SIZE		4096
#define PLAIN_OWN_BITS		(PLAIN_OWN_SIZE * 8)

/* FNV-1a, and what mixes it. */
#define PLAIN_BASIS		0xcbf29ce484222325
#define PLAIN_PRIME		0x100000001b3
#define PLAIN_MIX		0x9e3779b97f4a7c15

/* enum plain_ask */
#define PLAIN_ASK_ALL		(PLAIN_ASK + 0)
#define PLAIN_ASK_CWD		(PLAIN_ASK + 4)
#define PLAIN_ASK_DIRFD		(PLAIN_ASK + 8)
#define PLAIN_ASK_FD		(PLAIN_ASK + 12)
#define PLAIN_ASK_MADE		(PLAIN_ASK + 16)
#define PLAIN_ASK_OPENING	(PLAIN_ASK + 20)
#define PLAIN_ASK_ACCESS	(PLAIN_ASK + 24)
#define PLAIN_ASK_MOVED		(PLAIN_ASK + 28)

/* enum plain_state */
#define PLAIN_STATE_NAMES	2

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What gates may do by themselves. */
enum plain_state {
	PLAIN_OPEN,			/* all: nothing is virtual */
	PLAIN_CLOSED,			/* nothing */
	PLAIN_BY_NAME = PLAIN_STATE_NAMES,	/* what goes by plain names */
};

/* When nobody may go by plain names; for any of several reasons. */
enum plain_ask {
	PLAIN_ALL,		/* at all */
	PLAIN_CWD,		/* from the working directory */
	PLAIN_DIRFD,		/* from a descriptor */
	PLAIN_FD,		/* by calls on a descriptor itself */
	PLAIN_MADE,		/* fstat() among them */
	PLAIN_OPENING,		/* by whoever opens */
	PLAIN_ACCESS,		/* by access(): a module knows better */
	PLAIN_MOVED,		/* a directory by what starts from anywhere, and
				   files only to leave a mark: sys/moved.c */
};

/*
 * The memory, which is there from the first use on: a descriptor for guests,
 * who can map it, but never for writing. -1: none, and nothing is plain
 */
int plain_fd(void);

void plain_set_state(enum plain_state s);
enum plain_state plain_get_state(void);

/* One reason more, or less, to ask. Before it holds; after it has ended. */
void plain_ask(enum plain_ask what, int by);

/* A name that may lead elsewhere than the kernel would go, from now on. */
void plain_mark(const char *name, size_t len);

/* ... but only as the last one of a path. */
void plain_mark_last(const char *name, size_t len);
/*
 * Of nodes with this number fstat() is to tell something else, or the listing
 * is another.
 */
void plain_mark_number(uint64_t ino);

/*
 * Directories without a symlink on their way, by absolute names. What was
 * seen since plain_epoch() is learned by plain_learn(), if nothing was
 * forgotten meanwhile: the directory of a name of which no component was ever
 * marked. plain_forget(): there may be a symlink soon, where none was. All
 * is forgotten every now and then: plain_tick(), when plain_tick_fd() says so.
 */
uint64_t plain_epoch(void);
void plain_learn(const char *path, uint64_t epoch);
void plain_forget(void);

/* Has nobody been about to make a symlink lately? */
bool plain_settled(void);

/*
 * What lies below the directory that has the absolute name here, of which the
 * last component was marked, lies below "to" for the kernel, where no symlink
 * is on the way; flags: MOVE_RDONLY... plain_changed(): such a thing, or what
 * a name means in general, has changed just now.
 */
void plain_learn_move(const char *here, const char *to, unsigned flags,
		      uint64_t epoch);
bool plain_is_marked(const char *name, size_t len);
/* Is that move known, and the directory below it, by names none is "" of? */
bool plain_knows_below(const char *here, const char *below);
void plain_changed(void);
/* Are both known: that of the move, and the directory of a path of the kernel? */
bool plain_knows_move(const char *here, const char *path);

/* What a process wrote there: may that file be one of those? */
struct plain_own {
	uint64_t bits[PLAIN_OWN_SIZE / 8];
};
bool plain_own_has(const struct plain_own *own, uint64_t ino);

/* Of what is on that file system something else is told, from now on. */
void plain_ask_device(uint64_t dev);

int plain_tick_fd(void);
void plain_tick(void);

#endif
#endif
