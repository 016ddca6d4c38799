package cdo

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Recipient is a recipient of a message. It is resolved when it has an entry id.
type Recipient struct {
	node
	in  *Recipients
	bag bag
}

func newRecipient(c *Recipients) *Recipient {
	r := &Recipient{node: c.below(c), in: c}
	r.bag = bag{names: &c.logon.names, load: c.message.read}
	return r
}

// Class is CdoRecipient.
func (r *Recipient) Class() ObjectClass { return CdoRecipient }

// Index is the position among the recipients, 0 when the recipient was removed.
func (r *Recipient) Index() int { return 1 + slices.Index(r.in.list, r) }

// Name is the display name.
func (r *Recipient) Name(ctx context.Context) (string, error) {
	v, err := r.bag.text(ctx, pid.TagDisplayName)
	return v, fail("Recipient.Name", err)
}

// SetName changes the display name. A recipient that had no address has to be resolved again.
func (r *Recipient) SetName(name string) {
	r.bag.putTag(pid.TagDisplayName, name)
	if find(r.bag.set, mapi.TagKey(pid.TagEmailAddress)) < 0 && find(r.bag.have, mapi.TagKey(pid.TagEmailAddress)) < 0 {
		r.bag.remove(mapi.TagKey(pid.TagEntryId))
	}
}

// Address is the full address, "TYPE:address"; "" when the recipient has none.
func (r *Recipient) Address(ctx context.Context) (string, error) {
	const member = "Recipient.Address"
	t, err := r.bag.text(ctx, pid.TagAddressType)
	if err != nil {
		return "", fail(member, err)
	}
	a, err := r.bag.text(ctx, pid.TagEmailAddress)
	if t == "" && a == "" || err != nil {
		return "", fail(member, err)
	}
	return t + ":" + a, nil
}

// SetAddress makes the address one that isn't looked up. It is a full address: "SMTP:ada@example.com".
func (r *Recipient) SetAddress(full string) error {
	t, address, ok := strings.Cut(full, ":")
	if !ok || t == "" || address == "" {
		return failf("Recipient.Address", CdoE_INVALID_PARAMETER, "%q isn't of the form TYPE:address", full)
	}
	r.bag.putTag(pid.TagAddressType, strings.ToUpper(t))
	r.bag.putTag(pid.TagEmailAddress, address)
	for _, tag := range []mapi.Tag{pid.TagEntryId, pid.TagSearchKey, pid.TagSmtpAddress} {
		r.bag.remove(mapi.TagKey(tag))
	}
	return nil
}

// Type is what the recipient gets, CdoTo when it doesn't say.
func (r *Recipient) Type(ctx context.Context) (RecipientType, error) {
	v, err := r.bag.number(ctx, pid.TagRecipientType, int32(CdoTo))
	return RecipientType(v), fail("Recipient.Type", err)
}

// SetType changes the type. One that isn't among the three makes Resolve fail.
func (r *Recipient) SetType(t RecipientType) { r.bag.putTag(pid.TagRecipientType, int32(t)) }

// DisplayType is the kind of the recipient.
func (r *Recipient) DisplayType(ctx context.Context) (DisplayType, error) {
	v, err := r.bag.number(ctx, pid.TagDisplayType, int32(CdoUser))
	return DisplayType(v), fail("Recipient.DisplayType", err)
}

// MeetingResponseStatus is the answer of an attendee.
func (r *Recipient) MeetingResponseStatus(ctx context.Context) (ResponseStatus, error) {
	v, err := r.bag.number(ctx, pid.TagRecipientTrackStatus, int32(CdoResponseNone))
	return ResponseStatus(v), fail("Recipient.MeetingResponseStatus", err)
}

// SetMeetingResponseStatus changes the answer of an attendee.
func (r *Recipient) SetMeetingResponseStatus(s ResponseStatus) {
	r.bag.putTag(pid.TagRecipientTrackStatus, int32(s))
}

// ID is the entry id of the address, "" when the recipient isn't resolved.
func (r *Recipient) ID(ctx context.Context) (string, error) {
	v, err := r.bag.binary(ctx, pid.TagEntryId)
	return hexID(v), fail("Recipient.ID", err)
}

// SetID makes the recipient the address entry of an ID.
func (r *Recipient) SetID(ctx context.Context, entryID string) error {
	const member = "Recipient.ID"
	e, err := r.logon.entry(ctx, r, member, entryID)
	if err != nil {
		return fail(member, err)
	}
	return fail(member, r.take(ctx, e))
}

// take makes the recipient an address entry.
func (r *Recipient) take(ctx context.Context, e *AddressEntry) error {
	for _, t := range entryTags {
		p, ok, err := e.bag.get(ctx, mapi.TagKey(t))
		if err != nil {
			return err
		}
		if ok {
			r.bag.put(mapi.TagKey(t), p.Value)
		} else {
			r.bag.remove(mapi.TagKey(t))
		}
	}
	r.complete()
	return nil
}

// entryTags are what a recipient has from its address entry.
var entryTags = []mapi.Tag{pid.TagEntryId, pid.TagDisplayName, pid.TagAddressType, pid.TagEmailAddress, pid.TagSmtpAddress,
	pid.TagDisplayType, pid.TagObjectType, pid.TagSearchKey}

// objectMailUser is MAPI_MAILUSER of PR_OBJECT_TYPE.
const objectMailUser int32 = 6

// complete adds what follows from the rest: the search key ([MS-OXCDATA] 2.8.3.1 names what tables of recipients carry), and that
// the recipient is a user.
func (r *Recipient) complete() {
	text := func(t mapi.Tag) string {
		i := find(r.bag.set, mapi.TagKey(t))
		if i < 0 {
			return ""
		}
		s, _ := r.bag.set[i].Value.(string)
		return s
	}
	if t, a := text(pid.TagAddressType), text(pid.TagEmailAddress); t != "" && a != "" {
		if find(r.bag.set, mapi.TagKey(pid.TagSearchKey)) < 0 {
			r.bag.putTag(pid.TagSearchKey, []byte(strings.ToUpper(t+":"+a)+"\x00"))
		}
		if t == "SMTP" && text(pid.TagSmtpAddress) == "" {
			r.bag.putTag(pid.TagSmtpAddress, a)
		}
	}
	if find(r.bag.set, mapi.TagKey(pid.TagObjectType)) < 0 {
		r.bag.putTag(pid.TagObjectType, objectMailUser)
		r.bag.putTag(pid.TagDisplayType, int32(CdoUser))
	}
}

func (r *Recipient) resolved() bool {
	k := mapi.TagKey(pid.TagEntryId)
	if i := find(r.bag.set, k); i >= 0 {
		return true
	}
	return !holds(r.bag.del, k) && find(r.bag.have, k) >= 0
}

// Resolve finds the recipient in the address book by its name. A recipient with an address, or whose name is an SMTP address that
// the address book doesn't know, is taken as it is. Nobody of that name is CdoE_NOT_FOUND, several or an empty name
// CdoE_AMBIGUOUS_RECIP; with showDialog a person is asked which of several is meant, where the session has a dialog for it.
func (r *Recipient) Resolve(ctx context.Context, showDialog bool) error {
	const member = "Recipient.Resolve"
	err := r.resolve(ctx)
	choose := r.logon.session.config.Dialogs.ChooseEntry
	if !showDialog || choose == nil || !errors.Is(err, mapi.ErrAmbiguous) {
		return fail(member, err)
	}
	candidates, listErr := r.AmbiguousNames(ctx)
	if listErr != nil || candidates == nil {
		return fail(member, err)
	}
	name, err := r.Name(ctx)
	if err != nil {
		return rename(err, member)
	}
	e, err := choose(ctx, name, candidates)
	if err != nil {
		return fail(member, err)
	}
	return fail(member, r.take(ctx, e))
}

func (r *Recipient) resolve(ctx context.Context) error {
	t, err := r.Type(ctx)
	if err != nil {
		return err
	}
	if t < CdoTo || t > CdoBcc {
		return &mapi.Error{Op: "resolve", Code: CdoE_INVALID_PARAMETER, Err: errors.New("the recipient is neither To, Cc nor Bcc")}
	}
	if r.resolved() {
		return nil
	}
	name, err := r.bag.text(ctx, pid.TagDisplayName)
	if err != nil {
		return err
	}
	kind, err := r.bag.text(ctx, pid.TagAddressType)
	if err != nil {
		return err
	}
	address, err := r.bag.text(ctx, pid.TagEmailAddress)
	if err != nil {
		return err
	}
	if address == "" {
		if n, full, ok := bracketed(name); ok {
			name = n
			kind, address, _ = strings.Cut(full, ":")
		}
	}
	if address != "" {
		return r.custom(name, kind, address)
	}
	if name == "" {
		return mapi.ErrAmbiguous
	}
	found, err := r.logon.resolve(ctx, name)
	switch {
	case missing(err) && isSMTP(name):
		return r.custom(name, "SMTP", name)
	case err != nil:
		return err
	}
	return r.take(ctx, r.logon.newEntry(r, found))
}

// isSMTP tells whether a name is an address by its form.
func isSMTP(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && !strings.ContainsAny(s, " <>;,[]\"")
}

// custom makes the recipient an address that stands in no address book ([MS-OXCDATA] 2.2.5.1).
func (r *Recipient) custom(name, kind, address string) error {
	if name == "" {
		name = address
	}
	kind = strings.ToUpper(kind)
	id, err := oneOff(name, kind, address)
	if err != nil {
		return err
	}
	r.bag.putTag(pid.TagEntryId, id)
	r.bag.putTag(pid.TagDisplayName, name)
	r.bag.putTag(pid.TagAddressType, kind)
	r.bag.putTag(pid.TagEmailAddress, address)
	r.complete()
	return nil
}

func oneOff(name, kind, address string) ([]byte, error) {
	e := oxcdata.OneOffEntryID{Provider: oxcdata.ProviderOneOff, Options: oxcdata.OneOffUnicode | oxcdata.OneOffNoRich,
		DisplayName: name, AddressType: kind, Email: address}
	return oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.OneOffEntryID(&e) })
}

// AddressEntry is the address entry of the recipient, which is resolved for it. One that cannot be is CdoE_AMBIGUOUS_RECIP. The
// entry is a copy.
func (r *Recipient) AddressEntry(ctx context.Context) (*AddressEntry, error) {
	const member = "Recipient.AddressEntry"
	if err := r.resolve(ctx); err != nil {
		if missing(err) {
			err = &mapi.Error{Op: "resolve", Code: CdoE_AMBIGUOUS_RECIP, Err: err}
		}
		return nil, fail(member, err)
	}
	var ps mapi.Props
	for _, t := range entryTags {
		p, ok, err := r.bag.get(ctx, mapi.TagKey(t))
		if err != nil {
			return nil, fail(member, err)
		}
		if ok {
			ps = append(ps, p)
		}
	}
	return r.logon.newEntry(r, ps), nil
}

// SetAddressEntry makes the recipient an address entry.
func (r *Recipient) SetAddressEntry(ctx context.Context, e *AddressEntry) error {
	return fail("Recipient.AddressEntry", r.take(ctx, e))
}

// AmbiguousNames are the entries that the name of an unresolved recipient may mean; nil when there are none.
func (r *Recipient) AmbiguousNames(ctx context.Context) (*AddressEntries, error) {
	const member = "Recipient.AmbiguousNames"
	if r.resolved() {
		return nil, nil
	}
	name, err := r.bag.text(ctx, pid.TagDisplayName)
	if err != nil || name == "" {
		return nil, fail(member, err)
	}
	candidates, err := r.logon.candidates(ctx, name)
	if err != nil || len(candidates) == 0 {
		return nil, fail(member, err)
	}
	return r.logon.givenEntries(r, candidates), nil
}

// Delete removes the recipient from the message when it is updated.
func (r *Recipient) Delete() {
	if i := slices.Index(r.in.list, r); i >= 0 {
		r.in.list = slices.Delete(r.in.list, i, i+1)
		r.in.dirty = true
	}
}

// IsSameAs reports whether o is the same recipient of the same message.
func (r *Recipient) IsSameAs(o *Recipient) bool { return r == o }
