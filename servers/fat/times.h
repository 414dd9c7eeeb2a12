/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_TIMES_H
#define SERVERS_FAT_TIMES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*
 * Dates and times as they are stored: local time, or UTC if so wished, of
 * the years 1980 to 2107. What cannot be is moved to what can.
 */
time_t times_get(uint32_t date, uint32_t time, bool utc);
void times_put(time_t t, bool utc, uint32_t *date, uint32_t *time);

#endif
