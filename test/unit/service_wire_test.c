/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/strbuf.h"
#include "service/wire.h"
#include "test/unit/check.h"

static void packs_and_parses(void)
{
	const char *word[] = { "mount", "", "a b", "\xff" };
	char packet[SERVICE_PACKET_MAX], *got[SERVICE_WORDS_MAX];
	int len = service_pack(packet, word, 4), n, i;

	CHECK(len == 6 + 1 + 4 + 2);
	n = service_parse(packet, len, got);
	CHECK(n == 4);
	for (i = 0; i < n; i++)
		CHECK(!strcmp(word[i], got[i]));
}

static void refuses_bad_requests(void)
{
	const char *many[SERVICE_WORDS_MAX + 1];
	char packet[SERVICE_PACKET_MAX], *got[SERVICE_WORDS_MAX];
	char large[SERVICE_PACKET_MAX + 1];
	const char *word[] = { "v", large };
	size_t i;

	for (i = 0; i <= SERVICE_WORDS_MAX; i++)
		many[i] = "x";
	CHECK(service_pack(packet, many, 0) == -EINVAL);
	CHECK(service_pack(packet, many, SERVICE_WORDS_MAX + 1) == -EINVAL);
	CHECK(service_pack(packet, many, SERVICE_WORDS_MAX) > 0);
	memset(large, 'l', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	CHECK(service_pack(packet, word, 2) == -E2BIG);
	large[SERVICE_PACKET_MAX - 3] = '\0';
	CHECK(service_pack(packet, word, 2) == SERVICE_PACKET_MAX);

	CHECK(service_parse(packet, 0, got) == -EINVAL);
	memcpy(packet, "name", 4);
	CHECK(service_parse(packet, 4, got) == -EINVAL);	/* no NUL */
	memset(packet, 0, 64);
	CHECK(service_parse(packet, 1, got) == -EINVAL);	/* no verb */
	for (i = 0; i <= SERVICE_WORDS_MAX; i++)
		memcpy(packet + 2 * i, "x", 2);
	CHECK(service_parse(packet, 2 * SERVICE_WORDS_MAX, got) ==
	      SERVICE_WORDS_MAX);
	CHECK(service_parse(packet, 2 * (SERVICE_WORDS_MAX + 1), got) ==
	      -EINVAL);
}

static void escapes_every_byte(void)
{
	struct strbuf sb = { 0 };
	char all[256], *field[SERVICE_FIELDS_MAX];
	int i;

	for (i = 1; i < 256; i++)
		all[i - 1] = i;
	all[255] = '\0';
	service_escape(&sb, all);
	for (i = 0; sb.data[i]; i++)
		CHECK((unsigned char)sb.data[i] >= 32 && sb.data[i] != 127);
	CHECK(service_split(sb.data, field) == 1);
	CHECK(!strcmp(field[0], all));
	strbuf_clear(&sb);
	service_escape(&sb, NULL);
	CHECK(!strcmp(sb.data, "-"));
	strbuf_clear(&sb);
	service_escape(&sb, "a\tb\\");
	CHECK(!strcmp(sb.data, "a\\011b\\134"));
	strbuf_free(&sb);
}

static void splits_records(void)
{
	char record[] = "view\t1\t\tn\\040a\\", many[64];
	char *field[SERVICE_FIELDS_MAX];

	CHECK(service_split(record, field) == 4);
	CHECK(!strcmp(field[0], "view"));
	CHECK(!strcmp(field[2], ""));
	CHECK(!strcmp(field[3], "n a\\"));
	memset(many, '\t', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	CHECK(service_split(many, field) == SERVICE_FIELDS_MAX);
}

static void leaves_bad_escapes(void)
{
	char text[] = "\\400\\08\\1";

	service_unescape(text);
	CHECK(!strcmp(text, "\\400\\08\\1"));
}

int main(void)
{
	packs_and_parses();
	refuses_bad_requests();
	escapes_every_byte();
	splits_records();
	leaves_bad_escapes();
	return failures != 0;
}
