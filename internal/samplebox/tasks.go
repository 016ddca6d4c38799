package samplebox

import (
	"fmt"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// taskItem makes a task ([MS-OXOTASK] 2.2.2).
func (m *maker) taskItem(l *language, created time.Time) *mapi.Item {
	project := pick(m.r, l.projects)
	it := m.base("IPM.Task", "", l.fill(m.r, pick(m.r, l.chores), project, company, created), flagRead, created)
	start := day(created)
	due := start.AddDate(0, 0, 1+m.r.IntN(40))
	status := int32(m.r.IntN(5))
	percent, complete := []float64{0, 0.25, 1, 0.5, 0}[status], status == 2
	set(&it.Props,
		pid.LidTaskStatus, status, pid.LidPercentComplete, percent, pid.LidTaskComplete, complete, pid.LidTaskStartDate, ft(start),
		pid.LidTaskDueDate, ft(due), pid.LidCommonStart, ft(utc(start)), pid.LidCommonEnd, ft(utc(due)), pid.LidTaskOwner, m.owner.display,
		pid.LidTaskEstimatedEffort, int32(60*(1+m.r.IntN(80))), pid.LidTaskActualEffort, int32(30*m.r.IntN(60)), pid.LidTaskState, int32(1),
		pid.LidTaskOwnership, int32(0), pid.LidTaskAcceptanceState, int32(0), pid.LidTaskVersion, int32(1+m.r.IntN(9)), pid.LidTeamTask, false,
		pid.LidTaskFRecurring, false, pid.LidTaskFCreator, true, pid.LidTaskMode, int32(0), pid.LidTaskGlobalId, randomBytes(m.r, 16),
		pid.LidTaskOrdinal, int32(-1000*(m.index+1)), pid.LidReminderSet, !complete && chance(m.r, 2), pid.LidReminderTime, ft(utc(due.Add(8*time.Hour))),
		pid.LidReminderSignalTime, ft(utc(due.Add(8*time.Hour))), pid.LidSideEffects, int32(0x110), pid.TagIconIndex, int32(0x500),
		pid.LidCompanies, []string{pick(m.r, partners).name}, pid.LidBilling, "", pid.LidMileage, fmt.Sprintf("%d km", m.r.IntN(400)),
		pid.TagBody, l.prose(m.r, 1+m.r.IntN(4), project, m.owner.display, created)[0]+"\r\n", pid.TagNativeBody, nativePlain, pid.TagMessageLocaleId, l.locale)
	if complete {
		set(&it.Props, pid.LidTaskDateCompleted, ft(due))
	}
	if chance(m.r, 3) {
		set(&it.Props, pid.NameKeywords, m.categories())
	}
	m.from(it, m.owner, m.owner)
	return it
}

func task(m *maker) Sample {
	return Sample{Role: mapi.RoleTasks, Item: m.taskItem(languageOf(m.index), moment(m.r))}
}

// recurringTask is due on the last day of each quarter.
func recurringTask(m *maker) Sample {
	created := moment(m.r)
	it := m.taskItem(languageOf(m.index), created)
	start := time.Date(created.Year(), created.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	p := recurrence{frequency: monthly, pattern: byMonth, period: 3, day: 31}
	p.recurs(start, 0)
	set(&it.Props, pid.LidTaskFRecurring, true, pid.LidTaskRecurrence, m.encode(p.code), pid.LidTaskDueDate, ft(start), pid.LidTaskStartDate, ft(start),
		pid.LidTaskStatus, int32(0), pid.LidPercentComplete, 0.0, pid.LidTaskComplete, false, pid.LidTaskDeadOccurrence, false, pid.TagIconIndex, int32(0x501))
	it.Props.Delete(pid.LidTaskDateCompleted)
	return Sample{Role: mapi.RoleTasks, Item: it}
}

// taskRequest is mail that asks to take over a task, which it holds ([MS-OXOTASK] 2.2.3).
func taskRequest(m *maker) Sample {
	sent := moment(m.r)
	from := m.anybody(&german)
	inner := m.taskItem(&german, sent)
	set(&inner.Props, pid.LidTaskState, int32(5), pid.LidTaskOwnership, int32(2), pid.LidTaskAcceptanceState, int32(1), pid.LidTaskMode, int32(1))
	set(&inner.Props, pid.LidTaskAssigners, m.assigners(from))
	it := m.base("IPM.TaskRequest", "", inner.Props.Text(pid.TagSubject), flagRead, sent)
	it.Props.Set(pid.LidTaskMode, int32(1))
	set(&it.Props, pid.TagClientSubmitTime, ft(sent), pid.TagMessageDeliveryTime, ft(sent.Add(2*time.Second)), pid.TagConversationTopic, inner.Props.Text(pid.TagSubject),
		pid.LidTaskGlobalId, inner.Props.Get(pid.LidTaskGlobalId), pid.TagBody, "Bitte übernehmen.\r\n", pid.TagNativeBody, nativePlain, pid.TagIconIndex, int32(0x504))
	m.from(it, from, from)
	m.received(it)
	m.address(it, []person{m.owner})
	set(&embed(it, inner).Props, pid.TagAttachmentHidden, true)
	return Sample{Role: mapi.RoleInbox, Item: it}
}

// assigners is a PidLidTaskAssigners of one ([MS-OXOTASK] 2.2.2.2.17).
func (m *maker) assigners(p person) []byte {
	id := m.entryID(p)
	return m.encode(func(c *oxcdata.Coder) {
		c.Len32(1)
		c.Sized32(func(c *oxcdata.Coder) {
			c.Bytes32(&id)
			narrow, wide := mapi.String8(shortName(p.display+".")), p.display
			c.SZ(&narrow)
			c.WSZ(&wide)
		})
	})
}

// stickyNote is a note ([MS-OXONOTE] 2.2.1). Its subject is its first line.
func stickyNote(m *maker) Sample {
	l := languageOf(m.index)
	created := moment(m.r)
	first := l.fill(m.r, pick(m.r, l.chores), pick(m.r, l.projects), company, created)
	it := m.base("IPM.StickyNote", "", first, flagRead, created)
	set(&it.Props, pid.TagBody, first+"\r\n"+l.fill(m.r, pick(m.r, l.sentences), pick(m.r, l.projects), m.owner.display, created)+" 📌\r\n", pid.TagNativeBody, nativePlain,
		pid.LidNoteColor, int32(m.r.IntN(5)), pid.LidNoteWidth, int32(200), pid.LidNoteHeight, int32(166), pid.LidNoteX, int32(m.r.IntN(1600)-200),
		pid.LidNoteY, int32(m.r.IntN(900)), pid.TagIconIndex, int32(0x300+m.r.IntN(5)), pid.LidSideEffects, int32(0x110))
	return Sample{Role: mapi.RoleNotes, Item: it}
}

// journalEntry is a record of something that was done ([MS-OXOJRNL] 2.2.1).
func journalEntry(m *maker) Sample {
	start := moment(m.r)
	kind := pick(m.r, []string{"Phone call", "Meeting", "Document", "Letter", "Conversation"})
	p := pick(m.r, m.others)
	length := 5 + m.r.IntN(90)
	it := m.base("IPM.Activity", "", kind+" – "+p.display, flagRead, start)
	set(&it.Props, pid.LidLogType, kind, pid.LidLogTypeDesc, kind, pid.LidLogStart, ft(start), pid.LidLogEnd, ft(start.Add(time.Duration(length)*time.Minute)),
		pid.LidLogDuration, int32(length), pid.LidLogFlags, int32(0), pid.LidLogDocumentPosted, false, pid.LidLogDocumentPrinted, chance(m.r, 4),
		pid.LidLogDocumentRouted, false, pid.LidLogDocumentSaved, false, pid.LidContacts, []string{p.display}, pid.LidCompanies, []string{p.company},
		pid.LidCommonStart, ft(start), pid.LidCommonEnd, ft(start.Add(time.Duration(length)*time.Minute)), pid.TagIconIndex, int32(0x601),
		pid.TagBody, p.lang.prose(m.r, 2, pick(m.r, p.lang.projects), p.display, start)[0]+"\r\n", pid.TagNativeBody, nativePlain)
	return Sample{Role: mapi.RoleJournal, Item: it}
}
