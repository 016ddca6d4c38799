package storetest

import (
	"encoding/binary"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// globalObjectID is the identity of a meeting ([MS-OXOCAL] 2.2.1.27).
func globalObjectID(seed string) []byte {
	b := []byte("\x04\x00\x00\x00\x82\x00\xE0\x00\x74\xC5\xB7\x10\x1A\x82\xE0\x08\x00\x00\x00\x00")
	b = binary.LittleEndian.AppendUint64(b, uint64(at(6, 0)))
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	return append(b, seeded(seed, 16)...)
}

func appointment() *mapi.Item {
	return message("IPM.Appointment", "", "Tea with Mr Babbage", ada,
		pid.LidAppointmentStartWhole, at(15, 0), pid.LidAppointmentEndWhole, at(16, 0), pid.LidCommonStart, at(15, 0),
		pid.LidCommonEnd, at(16, 0), pid.TagStartDate, at(15, 0), pid.TagEndDate, at(16, 0), pid.LidAppointmentDuration, int32(60),
		pid.LidLocation, "Dorset Street", pid.LidBusyStatus, int32(2), pid.LidAppointmentSubType, false,
		pid.LidAppointmentStateFlags, int32(0), pid.LidResponseStatus, int32(0), pid.LidRecurring, false,
		pid.LidReminderSet, true, pid.LidReminderDelta, int32(15), pid.LidReminderSignalTime, at(14, 45),
		pid.LidGlobalObjectId, globalObjectID("tea"), pid.LidCleanGlobalObjectId, globalObjectID("tea"),
		pid.LidSideEffects, int32(0x171), pid.LidPrivate, true)
}

func recurringAppointment() *mapi.Item {
	it := appointment()
	it.Props.Set(pid.LidRecurring, true)
	it.Props.Set(pid.LidRecurrenceType, int32(1))
	it.Props.Set(pid.LidRecurrencePattern, "every day from 15:00 to 16:00")
	it.Props.Set(pid.LidClipEnd, at(23, 59))
	// AppointmentRecurrencePattern ([MS-OXOCAL] 2.2.1.44.5): each day, ten times, 15:00 to 16:00.
	const start = 222_580_800 // minutes from 1601 to the first day
	var b []byte
	for _, v := range []uint16{0x3004, 0x3004, 0x200A, 0, 0} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	for _, v := range []uint32{0, 1440, 0, 0x2022, 10, 0, 0, 0, start, start + 9*1440, 0x3006, 0x3009, 15 * 60, 16 * 60} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = append(b, make([]byte, 8)...)
	it.Props.Set(pid.LidAppointmentRecur, b)
	exception := &mapi.Item{Props: props(pid.TagMessageClass, "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}",
		pid.TagSubject, "Tea, moved", pid.LidAppointmentStartWhole, at(17, 0), pid.LidAppointmentEndWhole, at(18, 0),
		pid.LidExceptionReplaceTime, at(15, 0))}
	a := embedded(0, exception)
	a.Props.Set(mapi.TagKey(pid.TagAttachmentHidden), true)
	it.Attachments = []*mapi.Attachment{a}
	return it
}

func meetingRequest() *mapi.Item {
	it := message("IPM.Schedule.Meeting.Request", "", "Tea with Mr Babbage", ada,
		pid.LidAppointmentStartWhole, at(15, 0), pid.LidAppointmentEndWhole, at(16, 0), pid.LidLocation, "Dorset Street",
		pid.LidGlobalObjectId, globalObjectID("tea"), pid.LidMeetingType, int32(1), pid.LidOwnerCriticalChange, at(6, 0),
		pid.LidIntendedBusyStatus, int32(2), pid.TagResponseRequested, true, pid.TagReplyRequested, true,
		pid.TagOwnerAppointmentId, int32(0x0E1A2B3C), pid.LidIsRecurring, false)
	it.Recipients = []mapi.Props{bjorn.recipient(0, to), chiyoko.recipient(1, cc)}
	return it
}

func contact() *mapi.Item {
	it := &mapi.Item{Props: props(pid.TagMessageClass, "IPM.Contact", pid.TagSubject, bjorn.name, pid.TagDisplayName, bjorn.name,
		pid.TagGivenName, "Björn", pid.TagSurname, "Ångström", pid.TagCompanyName, "Spektrum AB", pid.TagTitle, "Physicist",
		pid.LidFileUnder, "Ångström, Björn", pid.LidFileUnderId, int32(0x8017), pid.LidEmail1DisplayName, "Björn",
		pid.LidEmail1AddressType, "SMTP", pid.LidEmail1EmailAddress, bjorn.address, pid.LidEmail1OriginalEntryId, bjorn.oneOff(),
		pid.LidAddressBookProviderEmailList, []int32{0}, pid.LidAddressBookProviderArrayType, int32(1),
		pid.TagBusinessTelephoneNumber, "+46 18 123", pid.TagMobileTelephoneNumber, "+46 70 123", pid.LidWorkAddressStreet, "Storgatan 1",
		pid.LidWorkAddressCity, "Uppsala", pid.LidWorkAddressPostalCode, "751 00", pid.LidHasPicture, true,
		pid.TagBirthday, mapi.NewFileTime(time.Date(1814, time.August, 13, 0, 0, 0, 0, time.UTC)), pid.TagBody, "Light.\r\n")}
	it.Attachments = []*mapi.Attachment{file(0, "ContactPicture.jpg", "image/jpeg", append([]byte("\xFF\xD8\xFF\xE0"), seeded("jpg", 5000)...),
		pid.TagAttachmentContactPhoto, true)}
	return it
}

func distributionList() *mapi.Item {
	return &mapi.Item{Props: props(pid.TagMessageClass, "IPM.DistList", pid.TagSubject, "Friends", pid.TagDisplayName, "Friends",
		pid.LidDistributionListName, "Friends", pid.LidFileUnder, "Friends",
		pid.LidDistributionListOneOffMembers, [][]byte{ada.oneOff(), bjorn.oneOff(), chiyoko.oneOff()},
		pid.LidDistributionListMembers, [][]byte{ada.oneOff(), bjorn.oneOff(), chiyoko.oneOff()})}
}

func task() *mapi.Item {
	return &mapi.Item{Props: props(pid.TagMessageClass, "IPM.Task", pid.TagSubject, "Compute Bernoulli numbers",
		pid.LidTaskStatus, int32(1), pid.LidPercentComplete, 0.25, pid.LidTaskComplete, false, pid.LidTaskStartDate, at(0, 0),
		pid.LidTaskDueDate, at(23, 0), pid.LidTaskOwner, ada.name, pid.LidTaskEstimatedEffort, int32(2400),
		pid.LidTaskActualEffort, int32(600), pid.LidTaskState, int32(1), pid.LidTaskOwnership, int32(0), pid.LidTaskVersion, int32(5),
		pid.LidTaskGlobalId, seeded("task", 16), pid.TagBody, "B₇\r\n")}
}

func note() *mapi.Item {
	return &mapi.Item{Props: props(pid.TagMessageClass, "IPM.StickyNote", pid.TagSubject, "Buy cards",
		pid.TagBody, "Buy cards\r\nand punches\r\n", pid.LidNoteColor, int32(3), pid.LidNoteWidth, int32(200), pid.LidNoteHeight, int32(166),
		pid.LidNoteX, int32(-80), pid.LidNoteY, int32(80), pid.TagIconIndex, int32(0x303))}
}

func journal() *mapi.Item {
	return &mapi.Item{Props: props(pid.TagMessageClass, "IPM.Activity", pid.TagSubject, "Call to London",
		pid.LidLogType, "Phone call", pid.LidLogTypeDesc, "Phone call", pid.LidLogStart, at(11, 0), pid.LidLogEnd, at(11, 20),
		pid.LidLogDuration, int32(20), pid.LidLogFlags, int32(0), pid.LidContacts, []string{ada.name})}
}

// settings is folder-associated information ([MS-OXOCFG] 2.2.5).
func settings() *mapi.Item {
	return &mapi.Item{Props: props(pid.TagMessageClass, "IPM.Configuration.CategoryList", pid.TagSubject, "IPM.Configuration.CategoryList",
		pid.TagRoamingDatatypes, int32(2), pid.TagRoamingXmlStream, []byte(`<?xml version="1.0"?><categories default="Red Category" xmlns="CategoryList.xsd"/>`),
		pid.TagMessageFlags, int32(0x41))}
}
