/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/status.h"

static const struct {
	enum err_code code;
	enum status status;
	const char *msgid;
} table[] = {
	{ ERR_OK, STATUS_OK, "" },
	{ ERR_NOENT, STATUS_FAILED, "Archive.DoesNotExist" },
	{ ERR_EXIST, STATUS_FAILED, "Archive.AlreadyExists" },
	{ ERR_CORRUPT, STATUS_DAMAGED, "IntegrityError" },
	{ ERR_AUTH, STATUS_AUTH, "PassphraseWrong" },
	{ ERR_BUSY, STATUS_BUSY, "LockTimeout" },
	{ ERR_RETRY, STATUS_FAILED, "Error" },
	{ ERR_FULL, STATUS_FULL, "Repository.InsufficientFreeSpaceError" },
	{ ERR_DENIED, STATUS_FAILED, "Repository.PathPermissionDenied" },
	{ ERR_NOMEM, STATUS_FAILED, "Error" },
	{ ERR_CONFIG, STATUS_USAGE, "CommandError" },
	{ ERR_CANCEL, STATUS_FAILED, "CancelledByUser" },
	{ ERR_IO, STATUS_FAILED, "Error" },
	{ ERR_NOREPO, STATUS_NO_REPOSITORY, "Repository.DoesNotExist" },
	{ ERR_ROLLBACK, STATUS_ROLLBACK, "Cache.RepositoryReplay" },
	{ ERR_FAILED, STATUS_FAILED, "CommandError" },
};

static size_t row_of(int code)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((int)table[i].code == code)
			return i;
	BUG_ON(true);
	return 0;
}

enum status status_of(int code)
{
	return table[row_of(code)].status;
}

const char *status_msgid(int code)
{
	return table[row_of(code)].msgid;
}

const char status_text[] =
	"  0   done\n"
	"  1   done, with warnings that name what is missing\n"
	"  2   failed\n"
	"  3   usage or configuration\n"
	"  10  there is no repository\n"
	"  11  busy\n"
	"  12  wrong key or passphrase, or none\n"
	"  13  the repository went back in time\n"
	"  14  damaged data\n"
	"  15  no space left\n";
