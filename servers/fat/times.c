/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "servers/fat/times.h"

enum { FIRST_YEAR = 1980, LAST_YEAR = 2107 };

static int at_most(int value, int most)
{
	return value < most ? value : most;
}

time_t times_get(uint32_t date, uint32_t time, bool utc)
{
	int month = date >> 5 & 15, day = date & 31;
	struct tm tm = {
		.tm_year = (date >> 9 & 127) + FIRST_YEAR - 1900,
		.tm_mon = month ? at_most(month, 12) - 1 : 0,
		.tm_mday = day ? day : 1,
		.tm_hour = at_most(time >> 11 & 31, 23),
		.tm_min = at_most(time >> 5 & 63, 59),
		.tm_sec = at_most((time & 31) * 2, 59),
		.tm_isdst = -1,
	};

	return utc ? timegm(&tm) : mktime(&tm);
}

void times_put(time_t t, bool utc, uint32_t *date, uint32_t *time)
{
	struct tm tm, *got = utc ? gmtime_r(&t, &tm) : localtime_r(&t, &tm);
	int year = got ? tm.tm_year + 1900 : t < 0 ? 0 : LAST_YEAR + 1;

	if (year < FIRST_YEAR) {
		*date = 1 << 5 | 1;
		*time = 0;
	} else if (year > LAST_YEAR) {
		*date = (LAST_YEAR - FIRST_YEAR) << 9 | 12 << 5 | 31;
		*time = 23 << 11 | 59 << 5 | 29;
	} else {
		*date = (year - FIRST_YEAR) << 9 | (tm.tm_mon + 1) << 5 |
			tm.tm_mday;
		*time = tm.tm_hour << 11 | tm.tm_min << 5 |
			at_most(tm.tm_sec, 59) / 2;
	}
}
