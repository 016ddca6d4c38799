package model

import "slices"

// messageMembers are what messages, appointments and meeting items have in common.
func messageMembers(own ...Member) []Member {
	return slices.Concat(common("Object",
		ro("Attachments", "Attachments", "The attachments. With an index it is one of them."),
		rw("Categories", "String()", "The keywords of the message."),
		rw("Conversation", "String", "The key of the conversation in hexadecimal (PR_CONVERSATION_KEY). Obsolete: use ConversationTopic and ConversationIndex."),
		rw("ConversationIndex", "String", "What Session.CreateConversationIndex makes."),
		rw("ConversationTopic", "String", "What the conversation is about. Replies don't get it by themselves. An appointment has none: CdoE_NOT_FOUND."),
		rw("DeliveryReceipt", "Boolean", "The sender wants to know of the delivery."),
		rw("Encrypted", "Boolean", "Encryption is asked for. Nothing here encrypts."),
		fields("message"),
		ro("FolderID", "String", "The ID of the folder that the message is in."),
		ro("ID", "String", "The entry id. A message that was never saved has none."),
		rw("Importance", "CdoImportance", "How important it is. The priority doesn't follow it."),
		native("a *mapi.Item with all changes"),
		rw("ReadReceipt", "Boolean", "The sender wants to know of the reading."),
		rw("Recipients", "Recipients", "The recipients. With an index it is one of them. Assigning copies the list of another message."),
		rw("Sender", "AddressEntry", "In whose name it was sent. It can be set until the message is saved; an appointment has none: CdoE_NOT_FOUND."),
		rw("Sensitivity", "CdoSensitivity", "How private it is."),
		rw("Sent", "Boolean", "The message is no draft. Setting it sends nothing; programs that post set it."),
		rw("Signed", "Boolean", "A signature is asked for. Nothing here signs."),
		ro("Size", "Long", "The size in bytes, known once the message is saved."),
		ro("StoreID", "String", "The ID of the store that the message is in."),
		rw("Subject", "String", "The subject."),
		rw("Submitted", "Boolean", "The message waits to be sent. Setting it submits nothing."),
		rw("Text", "String", "The plain text. Assigning it removes the formatted forms of the text, which would be shown in its place."),
		ro("TimeCreated", "Date", "When it was made."),
		rw("TimeExpired", "Date", "When it goes out of date. Never set: CdoE_NOT_FOUND."),
		ro("TimeLastModified", "Date", "When it was last saved."),
		rw("TimeReceived", "Date", "When it was delivered. Programs that post set it."),
		rw("TimeSent", "Date", "When it was sent. Programs that post set it."),
		rw("Type", "String", "The message class."),
		rw("Unread", "Boolean", "It wasn't read. A change of a saved message takes effect at once."),
		fn("CopyTo", "Message", "Makes a copy in another folder, which the Update of the returned object saves.", req("FolderID", "String"), opt("StoreID", "String", "")),
		fn("MoveTo", "Message", "Moves the message at once. The old object cannot be used any more.", req("FolderID", "String"), opt("StoreID", "String", "")),
		fn("Delete", "", "Removes the message at once for good; into Deleted Items when DeletedItems is true.", opt("DeletedItems", "Boolean", false)),
		fn("Forward", "Message", "Begins a message with the attachments and custom properties of this one, without recipients and text."),
		fn("Options", "", "Shows a dialog with options of the transport. Where there is none: CdoE_NOT_FOUND; appointments and meeting items: CdoE_NO_SUPPORT.", opt("ParentWindow", "Long", 0)),
		fn("Send", "", "Saves and sends. SaveCopy keeps a copy in Sent Items; ShowDialog shows the message first. A message cannot be used afterwards. An appointment sends an invitation, or a cancellation, as MeetingStatus says.",
			opt("SaveCopy", "Boolean", true), opt("ShowDialog", "Boolean", false), opt("ParentWindow", "Long", 0)).via("send"),
		update("the message"),
		isSameAs(),
	), own)
}

// replies are the members that appointments don't have.
var replies = []Member{
	fn("Reply", "Message", "Begins a message to the sender, without text and attachments."),
	fn("ReplyAll", "Message", "Begins a message to the sender and all recipients, without text and attachments."),
}

var messageObjects = []Object{
	{Name: "Message", IID: "{3FA7DEAA-6438-101B-ACC1-00AA00423326}", Class: 3, Since: "1.0.a", Default: "Subject",
		Help: "An item of a folder, or one in an attachment. Changes are saved by Update or Send.", Members: messageMembers(replies...)},
}
