package samplebox

import (
	"math/rand/v2"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// props makes a property list from keys (mapi.Tag or mapi.Key) and values in turn.
func props(pairs ...any) mapi.Props {
	ps := make(mapi.Props, 0, len(pairs)/2)
	set(&ps, pairs...)
	return ps
}

// set sets properties.
func set(ps *mapi.Props, pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		k, ok := pairs[i].(mapi.Key)
		if !ok {
			k = mapi.TagKey(pairs[i].(mapi.Tag))
		}
		ps.Set(k, pairs[i+1])
	}
}

// ft is a moment as a value.
func ft(t time.Time) mapi.FileTime { return mapi.NewFileTime(t) }

// moment is a working hour of the last years, more likely a late one.
func moment(r *rand.Rand) time.Time {
	age := r.Float64() * (0.35 + 0.65*r.Float64())
	return working(r, baseDate.Add(-time.Duration(age*years*365*24)*time.Hour))
}

// working moves a time to a working day and hour near it, but not past the base date.
func working(r *rand.Rand, t time.Time) time.Time {
	t = day(t).Add(time.Duration(7*3600+r.IntN(11*3600))*time.Second + time.Duration(r.IntN(10_000_000))*100)
	for t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || t.After(baseDate) {
		t = t.AddDate(0, 0, -1)
	}
	return t
}

// nextWorking is t, or the next time somebody is at work, most of them soon after they come.
func nextWorking(t time.Time) time.Time {
	if late := t.Hour() >= 19; late || t.Hour() < 7 || t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		past := t.Sub(day(t)) / 8 // keeps the order of what came in meanwhile
		if t = day(t).Add(7*time.Hour + past); late {
			t = t.AddDate(0, 0, 1)
		}
	}
	for t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

// day is the midnight before t.
func day(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }

// Message flags ([MS-OXCMSG] 2.2.1.6).
const (
	flagRead       = 0x0001
	flagUnmodified = 0x0002
	flagUnsent     = 0x0008
	flagHasAttach  = 0x0010
	flagFromMe     = 0x0020
	flagAssociated = 0x0040
	flagEverRead   = 0x0400
	flagInternet   = 0x2000
)

// base is what every item has.
func (m *maker) base(class, prefix, subject string, flags int32, created time.Time) *mapi.Item {
	modified := created.Add(time.Duration(m.r.IntN(72*3600)) * time.Second)
	if modified.After(baseDate) {
		modified = created
	}
	return &mapi.Item{Props: props(
		pid.TagMessageClass, class,
		pid.TagSubject, prefix+subject, pid.TagSubjectPrefix, prefix, pid.TagNormalizedSubject, subject,
		pid.TagMessageFlags, flags,
		pid.TagSearchKey, randomBytes(m.r, 16),
		pid.TagCreationTime, ft(created), pid.TagLastModificationTime, ft(modified),
		pid.TagImportance, int32(1), pid.TagPriority, int32(0), pid.TagSensitivity, int32(0))}
}

// finish sets what follows from the rest of an item.
func (m *maker) finish(s *Sample) {
	if s.Item == nil {
		return
	}
	if len(s.Item.Attachments) > 0 {
		key := mapi.TagKey(pid.TagMessageFlags)
		flags, _ := s.Item.Props.Get(key).(int32)
		s.Item.Props.Set(key, flags|flagHasAttach)
	}
	number(s.Item)
}

// number gives recipients and attachments their numbers, and the item the facts that follow from them.
func number(it *mapi.Item) {
	for i := range it.Recipients {
		set(&it.Recipients[i], pid.TagRowid, int32(i))
	}
	hidden := 0
	for i, a := range it.Attachments {
		set(&a.Props, pid.TagAttachNumber, int32(i))
		if a.Props.Tag(pid.TagAttachmentHidden) == true {
			hidden++
		}
		if a.Embedded != nil {
			number(a.Embedded)
		}
	}
	set(&it.Props, pid.TagHasAttachments, len(it.Attachments) > hidden)
}
