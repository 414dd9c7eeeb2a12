/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/colour.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	char letter;
	unsigned char parameter;
} colour_table[] = {
	{ 'n', 30 }, { 'r', 31 }, { 'g', 32 }, { 'y', 33 },
	{ 'b', 34 }, { 'm', 35 }, { 'c', 36 }, { 'w', 37 },
	{ 'N', 40 }, { 'R', 41 }, { 'G', 42 }, { 'Y', 43 },
	{ 'B', 44 }, { 'M', 45 }, { 'C', 46 }, { 'W', 47 },
	{ '+', 1 }, { '-', 2 }, { '_', 4 }, { '*', 5 }, { '#', 7 },
};

static int find_parameter(char letter)
{
	size_t n = sizeof(colour_table) / sizeof(colour_table[0]);

	for (size_t i = 0; i < n; i++) {
		if (colour_table[i].letter == letter)
			return colour_table[i].parameter;
	}
	return -EINVAL;
}

int colour_parse(const char *letters, char *parameters, size_t size)
{
	size_t used = 0;

	if (size)
		parameters[0] = '\0';
	for (; *letters; letters++) {
		int parameter = find_parameter(*letters);

		if (parameter < 0)
			return parameter;
		used += (size_t)snprintf(parameters + used, size - used,
					 "%s%d", used ? ";" : "", parameter);
		if (used >= size)
			return -E2BIG;
	}
	return 0;
}
