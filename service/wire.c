/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "lib/strbuf.h"
#include "service/wire.h"

int service_pack(char *packet, const char *const *word, size_t n)
{
	size_t len = 0, size, i;

	if (!n || n > SERVICE_WORDS_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		size = strlen(word[i]) + 1;
		if (size > SERVICE_PACKET_MAX - len)
			return -E2BIG;
		memcpy(packet + len, word[i], size);
		len += size;
	}
	return len;
}

int service_parse(char *packet, size_t len, char **word)
{
	size_t at = 0;
	int n = 0;

	if (!len || len > SERVICE_PACKET_MAX || packet[len - 1])
		return -EINVAL;
	while (at < len) {
		if (n == SERVICE_WORDS_MAX)
			return -EINVAL;
		word[n++] = packet + at;
		at += strlen(packet + at) + 1;
	}
	return *word[0] ? n : -EINVAL;
}

static bool special(unsigned char c)
{
	return c < 32 || c == 127 || c == '\\';
}

void service_escape(struct strbuf *sb, const char *field)
{
	if (!field)
		field = "-";
	for (; *field; field++) {
		if (special(*field))
			strbuf_printf(sb, "\\%03o", (unsigned char)*field);
		else
			strbuf_putc(sb, *field);
	}
}

static bool octal(char c)
{
	return c >= '0' && c <= '7';
}

void service_unescape(char *field)
{
	char *to = field;

	while (*field) {
		if (field[0] == '\\' && field[1] >= '0' && field[1] <= '3' &&
		    octal(field[2]) && octal(field[3])) {
			*to++ = (field[1] - '0') << 6 | (field[2] - '0') << 3 |
				(field[3] - '0');
			field += 4;
		} else {
			*to++ = *field++;
		}
	}
	*to = '\0';
}

size_t service_split(char *record, char **field)
{
	size_t n = 0;
	char *end;

	while (record && n < SERVICE_FIELDS_MAX) {
		end = strchr(record, '\t');
		if (end)
			*end++ = '\0';
		service_unescape(record);
		field[n++] = record;
		record = end;
	}
	return n;
}
