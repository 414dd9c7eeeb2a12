/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_LINES_H
#define LIB_LINES_H

#include <pthread.h>
#include <stddef.h>
#include "lib/strbuf.h"

/*
 * A bounded queue of lines between many threads that must not wait and one
 * that may. What finds it full is counted and lost.
 */
struct lines {
	pthread_mutex_t lock;
	struct strbuf text;
	size_t max;
	unsigned long lost;
	int event;		/* readable while there is something */
};

int lines_init(struct lines *l, size_t max);	/* 0 or -errno */

/* Add a text of whole lines. Never waits for the reader. */
void lines_push(struct lines *l, const char *text, size_t len);

/*
 * Take all there is. Does not wait: poll l->event.
 * @out:	its memory is exchanged with the queue's
 * Return: how many pushes were lost since the last time
 */
unsigned long lines_take(struct lines *l, struct strbuf *out);

#endif
