/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_FILTER_H
#define ENGINE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "engine/call.h"

/* When a listed call is notified. Conditions of one row are OR-ed. */
enum when_op {
	WHEN_ALWAYS,
	WHEN_BITS,	/* (arg & mask) != 0			*/
	WHEN_EQUAL,	/* (arg & mask) == value (low 32 bits)	*/
	WHEN_DIFFERS,	/* (arg & mask) != value (low 32 bits)	*/
	WHEN_NONZERO,	/* the whole 64-bit argument is not 0	*/
	WHEN_BETWEEN,	/* mask <= arg <= value (low 32 bits)	*/
};

struct when {
	enum when_op op;
	unsigned arg;		/* 0..5 */
	uint32_t mask;
	uint32_t value;
};

enum filter_action { FILTER_NOTIFY, FILTER_ENOSYS };

/*
 * One row of the filter; a call without a row runs natively, unseen. So does
 * a gated one, which has no conditions, from within the gate (gate.h).
 */
struct filter_row {
	int nr;
	enum filter_action action;
	bool gated;
	const struct when *when;	/* NULL: always */
	size_t nwhen;
};

/* The two tables of an architecture; compat may be empty. */
struct filter_spec {
	const struct filter_row *row[2];	/* indexed by enum abi; sorted by nr */
	size_t nrow[2];
};

struct sock_filter;

/*
 * Compile the rows to BPF.
 * @prog:	out: allocated program, the caller frees it
 * Return: number of instructions, or -errno (-E2BIG: over the kernel's limit)
 */
int filter_compile(const struct filter_spec *spec, struct sock_filter **prog);

/*
 * Install the filter on the calling thread and get its listener.
 * Sets no_new_privs only when the kernel will not do without.
 * Return: the listener (close-on-exec), or -errno (-EBUSY: this thread is
 * already under somebody's listener)
 */
int filter_install(const struct filter_spec *spec);

#endif
