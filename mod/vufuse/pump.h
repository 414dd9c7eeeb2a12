/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_PUMP_H
#define VUFUSE_PUMP_H

#include <pthread.h>
#include <stdbool.h>

#include "mod/vufuse/conn.h"

/* A thread that receives while its maker has to do with what came: pump.c. */
struct pump {
	struct conn *conn;	/* NULL: there is none */
	int wake;		/* eventfd: it is to end */
	pthread_t thread;
};

/*
 * All answers of the connection are received by it until pump_stop(), which is
 * due in any case. Without one (there is one already, or a single core, or no
 * memory) those who wait receive, as ever.
 */
void pump_start(struct pump *p, struct conn *c);
void pump_stop(struct pump *p);

#endif
