/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_REWRITE_H
#define ENGINE_REWRITE_H

#include "engine/call.h"

/*
 * A call to be run by the guest's own kernel entry with other arguments.
 * New strings and pointer arrays are collected in one block that the visit
 * places below the red zone of the waiting thread's stack; whatever points
 * into it is relocated there. See visit.c for how a visit works, and for
 * what the guest can notice of it.
 */
struct rewrite;

/* Start from the call as the guest made it (same number and arguments). */
struct rewrite *rewrite_new(const struct call *call);
void rewrite_free(struct rewrite *rw);

/* Another call number (same ABI), another plain argument. */
void rewrite_nr(struct rewrite *rw, int nr);
void rewrite_arg(struct rewrite *rw, unsigned arg, uint64_t value);

/* Argument arg becomes a pointer to a copy of these bytes. 0 or -ENOMEM. */
int rewrite_bytes(struct rewrite *rw, unsigned arg, const void *data, size_t len);
int rewrite_string(struct rewrite *rw, unsigned arg, const char *s);

/*
 * In the bytes that argument arg was given, the pointer at offset where
 * becomes one to a copy of these bytes. 0 or -ENOMEM
 */
int rewrite_inner(struct rewrite *rw, unsigned arg, size_t where,
		  const void *data, size_t len);

/* An element of a rewritten argv: a new string, or a guest's own pointer. */
struct rewrite_word {
	const char *string;	/* NULL: use pointer */
	uint64_t pointer;
};

/*
 * Argument arg becomes a NULL-terminated array of n words (8 bytes each, 4
 * for ABI_COMPAT). Return: 0 or -ENOMEM
 */
int rewrite_words(struct rewrite *rw, unsigned arg,
		  const struct rewrite_word *word, size_t n);

/*
 * The first n arguments, as they are by now, become an array that argument
 * arg points to; number and all other arguments are the call's own again.
 * For i386's socketcall. Return: 0 or -ENOMEM
 */
int rewrite_gather(struct rewrite *rw, const struct call *call, unsigned arg,
		   unsigned n);

/*
 * Must be said of every call that executes a program. When it succeeds, this
 * name of the program takes the place of the one in the call's arguments
 * (AT_EXECFN, comm), which must not be shorter. NULL: nobody may touch the
 * program, as it gains privileges. 0 or -ENOMEM
 */
int rewrite_program(struct rewrite *rw, const char *name);

/*
 * May be said after that, when the program's loader makes a call before it
 * comes to the program itself, comm is right without us, and the caller is
 * its process's leader: then nobody waits for the end of the call (visit.c).
 * @kernels: the name of the program in the call's arguments. 0 or -ENOMEM
 */
int rewrite_in_passing(struct rewrite *rw, const char *kernels);

/*
 * A descriptor of the monitor to put into the guest (close-on-exec) before
 * the visit, so that strings added later can name its number, for example
 * "/proc/self/fd/7". The rewrite does not own fd. The call must still be
 * waiting. Should the visit fail, the descriptor stays in the guest until it
 * executes: ask engine_can_rewrite() first.
 * Return: number in the guest or -errno
 */
int rewrite_lend(struct rewrite *rw, const struct call *call, int fd);

#endif
