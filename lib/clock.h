/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

/*
 * Time that only goes on. The coarse one is up to a tick (some milliseconds)
 * behind, and takes a fraction of the time: for what is asked at each call.
 */
static inline int64_t clock_read_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

static inline int64_t now_ms(void)
{
	return now_ns() / 1000000;
}

static inline int64_t coarse_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC_COARSE);
}

static inline int64_t coarse_ms(void)
{
	return coarse_ns() / 1000000;
}

static inline int64_t coarse_seconds(void)
{
	return coarse_ns() / 1000000000;
}

#endif
