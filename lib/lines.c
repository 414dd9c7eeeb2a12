/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "lib/lines.h"

int lines_init(struct lines *l, size_t max)
{
	*l = (struct lines){ .max = max };
	pthread_mutex_init(&l->lock, NULL);
	l->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return l->event < 0 ? -errno : 0;
}

void lines_push(struct lines *l, const char *text, size_t len)
{
	const uint64_t one = 1;
	size_t before;

	pthread_mutex_lock(&l->lock);
	before = l->text.len;
	if (before + len > l->max)
		l->lost++;
	else
		strbuf_add(&l->text, text, len);
	if (!before && write(l->event, &one, sizeof(one)) < 0)
		l->lost++;
	pthread_mutex_unlock(&l->lock);
}

unsigned long lines_take(struct lines *l, struct strbuf *out)
{
	unsigned long lost;
	struct strbuf text;
	uint64_t count;

	strbuf_clear(out);
	pthread_mutex_lock(&l->lock);
	if (read(l->event, &count, sizeof(count)) < 0)
		count = 0;
	text = l->text;
	l->text = *out;
	*out = text;
	lost = l->lost;
	l->lost = 0;
	pthread_mutex_unlock(&l->lock);
	return lost;
}
