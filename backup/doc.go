// Package backup keeps mailboxes in a repository: encrypted, compressed, each attachment stored once, in restic's format.
//
//	repo, err := backup.Open(ctx, "/srv/mail", password)
//	report, err := backup.Run(ctx, mailbox, repo, backup.Options{Mailbox: "ada@example.com", Server: "mail.example.com"})
//	snap, err := repo.OpenSnapshot(ctx, "latest/ada@example.com")
//	restored, err := backup.Restore(ctx, snap, "Inbox/2019", mailbox, backup.RestoreOptions{})
//
// A snapshot is a [mapi.Store] like any other, so that it can be browsed, searched, exported and compared. How the repository
// is laid out is described in docs/repository.md; stock restic can list, check, restore, forget and prune it.
package backup
