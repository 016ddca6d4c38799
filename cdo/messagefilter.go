package cdo

import (
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// MessageFilter says which items a Messages collection has. What is set is a condition; nothing set lets all items through.
type MessageFilter struct {
	node
	conditions
}

func newMessageFilter(c *Messages) *MessageFilter {
	f := &MessageFilter{node: c.below(c)}
	f.begin(&c.logon.names, c.rewind)
	return f
}

// Class is CdoMessageFilter.
func (f *MessageFilter) Class() ObjectClass { return CdoMessageFilter }

// Fields are conditions on any property: what is added is what to look for. Strings are found anywhere in the property, at its
// beginning in those that name people; other values have to be equal.
func (f *MessageFilter) Fields() *Fields { return newFields(f, &f.node, &f.bag) }

// Not is true when each condition is negated.
func (f *MessageFilter) Not() bool { return f.not }

// SetNot negates each condition, before they are combined.
func (f *MessageFilter) SetNot(not bool) {
	f.not = not
	f.notify()
}

// Or is true when one of the conditions is enough.
func (f *MessageFilter) Or() bool { return f.or }

// SetOr makes one of the conditions enough.
func (f *MessageFilter) SetOr(or bool) {
	f.or = or
	f.notify()
}

// Conversation is the conversation topic that is looked for.
func (f *MessageFilter) Conversation() string {
	return conditionValue[string](&f.conditions, "Conversation")
}

// SetConversation looks for the items of a conversation topic.
func (f *MessageFilter) SetConversation(topic string) {
	f.put("Conversation", topic, compared(mapi.RelEQ, pid.TagConversationTopic, topic))
}

// Importance is the importance that is looked for.
func (f *MessageFilter) Importance() Importance {
	return conditionValue[Importance](&f.conditions, "Importance")
}

// SetImportance looks for an importance.
func (f *MessageFilter) SetImportance(i Importance) {
	f.put("Importance", i, compared(mapi.RelEQ, pid.TagImportance, int32(i)))
}

// Recipients is what a recipient's name has to contain.
func (f *MessageFilter) Recipients() string {
	return conditionValue[string](&f.conditions, "Recipients")
}

// SetRecipients looks for items with a recipient whose name contains name.
func (f *MessageFilter) SetRecipients(name string) {
	f.put("Recipients", name, mapi.ResSub{Sub: mapi.SubRecipients, Res: containing(pid.TagDisplayName, name)})
}

// Sender is what the sender's name has to contain.
func (f *MessageFilter) Sender() string { return conditionValue[string](&f.conditions, "Sender") }

// SetSender looks for items whose sender's name (PR_SENDER_NAME) contains name.
func (f *MessageFilter) SetSender(name string) {
	f.put("Sender", name, containing(pid.TagSenderName, name))
}

// Sent is whether items have to have been sent.
func (f *MessageFilter) Sent() bool { return conditionValue[bool](&f.conditions, "Sent") }

// SetSent looks for items that were sent, or that were not.
func (f *MessageFilter) SetSent(sent bool) { f.put("Sent", sent, flagged(flagUnsent, !sent)) }

// Unread is whether items have to be unread.
func (f *MessageFilter) Unread() bool { return conditionValue[bool](&f.conditions, "Unread") }

// SetUnread looks for items that weren't read, or that were.
func (f *MessageFilter) SetUnread(unread bool) { f.put("Unread", unread, flagged(flagRead, !unread)) }

func flagged(mask int32, set bool) mapi.Restriction {
	return mapi.ResBitMask{NonZero: set, Key: mapi.TagKey(pid.TagMessageFlags), Mask: uint32(mask)}
}

// Size is the size in bytes that items have to exceed.
func (f *MessageFilter) Size() int32 { return conditionValue[int32](&f.conditions, "Size") }

// SetSize looks for items of more than so many bytes.
func (f *MessageFilter) SetSize(bytes int32) {
	f.put("Size", bytes, compared(mapi.RelGT, pid.TagMessageSize, bytes))
}

// Subject is what the subject has to contain.
func (f *MessageFilter) Subject() string { return conditionValue[string](&f.conditions, "Subject") }

// SetSubject looks for items whose subject contains s.
func (f *MessageFilter) SetSubject(s string) { f.put("Subject", s, containing(pid.TagSubject, s)) }

// Text is what the text has to contain.
func (f *MessageFilter) Text() string { return conditionValue[string](&f.conditions, "Text") }

// SetText looks for items whose plain text contains s.
func (f *MessageFilter) SetText(s string) { f.put("Text", s, containing(pid.TagBody, s)) }

// TimeFirst is when items have to have been received at the earliest.
func (f *MessageFilter) TimeFirst() time.Time {
	return conditionValue[time.Time](&f.conditions, "TimeFirst")
}

// SetTimeFirst looks for items that were received then or later.
func (f *MessageFilter) SetTimeFirst(t time.Time) {
	f.put("TimeFirst", t, compared(mapi.RelGE, pid.TagMessageDeliveryTime, mapi.NewFileTime(t)))
}

// TimeLast is when items have to have been received at the latest.
func (f *MessageFilter) TimeLast() time.Time {
	return conditionValue[time.Time](&f.conditions, "TimeLast")
}

// SetTimeLast looks for items that were received then or earlier.
func (f *MessageFilter) SetTimeLast(t time.Time) {
	f.put("TimeLast", t, compared(mapi.RelLE, pid.TagMessageDeliveryTime, mapi.NewFileTime(t)))
}

// Type is the message class that is looked for.
func (f *MessageFilter) Type() string { return conditionValue[string](&f.conditions, "Type") }

// SetType looks for items of a message class.
func (f *MessageFilter) SetType(class string) {
	f.put("Type", class, compared(mapi.RelEQ, pid.TagMessageClass, class))
}

// IsSameAs reports whether o is the same filter.
func (f *MessageFilter) IsSameAs(o *MessageFilter) bool { return f == o }
