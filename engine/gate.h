/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_GATE_H
#define ENGINE_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/arch.h"
#include "engine/call.h"
#include "lib/plain.h"

/*
 * The gate: code put into guests that makes calls natively while nobody
 * needs to see them. Theory in gate.c.
 *
 * It is at the same addresses in all guests, for the filter knows them: the
 * slots and the code for names, after them what all share with the monitor,
 * and what each has of its own (lib/plain.h).
 */
#define GATE_SLOTS	256
#define GATE_CODE	ARCH_GATE_BASE
#define GATE_NAMES	(GATE_CODE + GATE_SLOTS * ARCH_SLOT_SIZE)
#define GATE_CODE_SIZE	(GATE_SLOTS * ARCH_SLOT_SIZE + ARCH_NAMES_SIZE)
#define GATE_CODE_END	(GATE_CODE + GATE_CODE_SIZE)
#define GATE_PAGE	GATE_CODE_END
#define GATE_OWN	(GATE_PAGE + PLAIN_SIZE)
#define GATE_SIZE	(GATE_CODE_SIZE + PLAIN_SIZE + PLAIN_OWN_SIZE)

struct filter_spec;
struct gate;

/*
 * A gate for guests under this filter. It is closed: every call is received.
 * Return: the gate, or NULL with errno
 */
struct gate *gate_new(const struct filter_spec *spec);

/*
 * From now on this process asks for all names: other calls in the place of its
 * own might harm it. 0 (it may have no gate) or -errno
 */
int gate_own(const struct call *call);

/*
 * What a process has of its own there. 0, or -errno: it has no gate, or its
 * memory is closed to us
 */
int gate_opened(pid_t pid, struct plain_own *own);

/*
 * A call was received: is it time to give its process a gate? Counts.
 * Cheap; gate may be NULL.
 */
bool gate_due(struct gate *g, const struct call *call);

/*
 * Give the waiting thread's process a gate.
 * Return: 0 when the call has been answered: it will be made again; -errno
 * when nothing was done and the thread still waits
 */
int gate_build(struct gate *g, const struct call *call);

#endif
