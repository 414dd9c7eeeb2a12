/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include "lib/escape.h"
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

void service_escape(struct strbuf *sb, const char *field)
{
	escape_put(sb, field ?: "-", "");
}

void service_unescape(char *field)
{
	escape_take(field);
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
