package evidence

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
)

// claim is evidence that this package doesn't compute itself: tests elsewhere compare with vectors of some kind, or with
// files and programs of others. It is checked that these tests and vectors are there.
type claim struct {
	structure string // of the registry; others are listed under "Files and documents"
	section   string // of the latter
	tests     string // package and functions; several separated by commas
	kind      string // of vectors, or several separated by blanks
	holds     string // what a vector's decoded form must mention
	elsewhere string
}

var claims = []claim{
	{structure: "oxcdata.ID", tests: "internal/oxcdata TestVectors", kind: "mid"},
	{structure: "oxcdata.LongTermID", tests: "internal/oxcdata TestVectors", kind: "longtermid"},
	{structure: "oxcdata.FolderEntryID", tests: "internal/oxcdata TestVectors", kind: "mfcmapi-entryid", holds: "Exchange_Folder_Entry_ID"},
	{structure: "oxcdata.MessageEntryID", tests: "internal/oxcdata TestVectors", kind: "mfcmapi-entryid", holds: "Exchange_Message_Entry_ID"},
	{structure: "oxcdata.AddressBookEntryID", tests: "internal/oxcdata TestVectors", kind: "mfcmapi-entryid", holds: "Exchange_Address_Entry_ID"},
	{structure: "oxcdata.OneOffEntryID", tests: "internal/oxcdata TestVectors", kind: "mfcmapi-entryid", holds: "MAPI_One_Off_Recipient_Entry_ID"},
	{structure: "oxcdata.StoreEntryID", tests: "internal/oxcdata TestVectors", kind: "mfcmapi-entryid", holds: "MAPI_Message_Store_Entry_ID"},
	{structure: "oxcdata.ContactEntryID", tests: "internal/oxcdata TestVectors", kind: "mfcmapi-entryid", holds: "Contact_Address_Book_PDL_Entry_ID"},
	{structure: "oxcdata.RecipientRow", tests: "internal/oxcdata TestVectors", kind: "recipient-row"},
	{structure: "oxcdata.PropertyRow", tests: "internal/oxcdata TestVectors", kind: "property-rows"},
	{structure: "oxcdata.TypedString", tests: "internal/oxcdata TestVectors", kind: "typedstring"},
	{structure: "oxcdata.TaggedValue", tests: "internal/oxcdata TestVectors", kind: "mfcmapi-properties"},
	{structure: "mapi.PropName", tests: "internal/oxcdata TestVectors", kind: "propertyname"},
	{structure: "mapi.ResComment", tests: "internal/oxcdata TestVectors", kind: "mfcmapi-rulecondition mfcmapi-extendedrulecondition", holds: "RES_COMMENT"},
	{structure: extendedBuffer, tests: "internal/oxcrpc TestVectorsExtendedBuffers TestVectorsRecorded", kind: "rpc-header-ext rpc-header-ext-chain"},
	{structure: direct2, tests: "internal/oxcrpc TestVectorsLZ77", kind: "lz77"},
	{structure: extendedRules, tests: "internal/oxcdata TestVectors", kind: "mfcmapi-extendedrulecondition mfcmapi-extendedruleaction"},
	{structure: "oxcfxics.IDSet", tests: "internal/oxcfxics TestVectorsSets", kind: "idset"},
	{structure: "oxcfxics.XID", tests: "internal/oxcfxics TestVectorsChangeLists", kind: "mfcmapi-xid"},
	{structure: "oxcfxics.PCL", tests: "internal/oxcfxics TestVectorsChangeLists", kind: "mfcmapi-pcl"},
	{structure: entities, kind: "mapihttp-entity",
		tests: "internal/mapihttp TestEntityVectors TestConstructedEntityVectors TestClientVectors TestServerVectors TestInteropMailbox", elsewhere: "all recorded exchanges; a gromox server"},
	{structure: "oxcrpc.EcDoConnectExRequest", tests: "internal/oxcrpc TestVectorsEMSMDB TestVectorsRecordedEMSMDB", kind: "ndr-stub", elsewhere: "recorded associations"},
	{structure: "oxcrpc.EcDoConnectExResponse", tests: "internal/oxcrpc TestVectorsEMSMDB TestVectorsRecordedEMSMDB", kind: "ndr-stub", elsewhere: "recorded associations"},
	{structure: "oxcrpc.EcDoRpcExt2Request", tests: "internal/oxcrpc TestVectorsRecordedEMSMDB", elsewhere: "recorded associations"},
	{structure: "oxcrpc.EcDoRpcExt2Response", tests: "internal/oxcrpc TestVectorsRecordedEMSMDB", elsewhere: "recorded associations"},
	{structure: "oxcrpc.ContextRequest", tests: "internal/oxcrpc TestVectorsEMSMDB TestVectorsRecordedEMSMDB", elsewhere: "recorded associations"},
	{structure: "oxcrpc.ContextResponse", tests: "internal/oxcrpc TestVectorsEMSMDB TestVectorsRecordedEMSMDB", elsewhere: "recorded associations"},
	{structure: "oxcrpc.EcDoAsyncWaitExRequest", tests: "internal/oxcrpc TestVectorsRecordedEMSMDB", elsewhere: "recorded associations"},
	{structure: "oxcrpc.EcDoAsyncWaitExResponse", tests: "internal/oxcrpc TestVectorsRecordedEMSMDB", elsewhere: "recorded associations"},
	{structure: "oxcrpc.Version", tests: "internal/oxcrpc TestVersionWords", elsewhere: "the examples of [MS-OXCRPC] 3.1.4.1.3.1"},
	{structure: "NDR: address book calls", section: "[MS-OXNSPI] 3.1.4", tests: "internal/nspirpc TestVectors TestVectorsRecorded TestImpacketLooks", kind: "ndr-stub", elsewhere: "recorded associations; impacket"},
	{structure: "NDR: referrals", section: "[MS-OXABREF] 3.1.4", tests: "internal/oxabref TestVectors TestVectorsRecorded", kind: "ndr-stub", elsewhere: "recorded associations; impacket"},
	{structure: "DCE/RPC: PDUs, security trailers", section: "[C706] 12.6, [MS-RPCE] 2.2.2", tests: "internal/dcerpc TestVectorsRecordedRequests TestVectorsRecordedResponses", elsewhere: "36 recorded associations at every level, as server and as client; impacket"},
	{structure: "DCE/RPC: endpoint mapper", section: "[C706] 6.2, appendix L", tests: "internal/epm TestImpacketCalls TestImpacketAnswers", elsewhere: "impacket, both ways"},
	{structure: "RPC over HTTP: RTS PDUs", section: "[MS-RPCH] 2.2.3, 2.2.4", tests: "internal/rpchttp TestRTSVectors TestRecordedRTSVectors", kind: "rts-pdu", elsewhere: "recorded conversations; impacket; a gromox server"},
	{structure: "NTLM version 2", section: "[MS-NLMP] 2.2, 3", tests: "internal/ntlm TestVectorsAuthentication TestVectorsMessages TestVectorsKeys TestAgainstGSSNTLMSSPAsClient TestAgainstGSSNTLMSSPAsServer", elsewhere: "the examples of [MS-NLMP] 4.2; gss-ntlmssp, both ways; impacket"},
	{structure: "Kerberos: GSS-API tokens", section: "RFC 4121, [MS-KILE] 3.4.5", tests: "internal/kerberos TestAgainstMIT", elsewhere: "MIT Kerberos, both ways"},
	{structure: "SPNEGO", section: "RFC 4178, [MS-SPNG]", tests: "internal/spnego TestNTLMAgainstMIT TestKerberosAgainstMIT", elsewhere: "MIT's library, both ways"},
	{structure: "HTTP authentication", section: "RFC 7617, 6750, 4559, [MS-NTHT]", tests: "internal/httpauth TestServerAgainstCurl TestServerAgainstCurlWithKerberos TestTransportAgainstApache", elsewhere: "curl; Apache"},
	{structure: "access tokens (JWT)", section: "RFC 7515, 7519", tests: "internal/httpauth TestVectorsJWS", elsewhere: "the examples of RFC 7515, appendix A"},
	{structure: "free/busy (GetUserAvailability)", section: "[MS-OXWAVLS] 3.1.4.1", tests: "exchange TestInteropFreeBusy, internal/availability TestClockOfTheClient", elsewhere: "a gromox server"},
	{structure: "Autodiscover POX, request", section: "[MS-OXDSCLI] 2.2.3", tests: "internal/autodiscover TestRequestVectors TestServerVectors", elsewhere: "99 recorded exchanges"},
	{structure: "Autodiscover POX, response", section: "[MS-OXDSCLI] 2.2.4", tests: "internal/autodiscover TestResponseVectors TestDiscoverVectors", elsewhere: "99 recorded exchanges"},
	{structure: "compound files, read", section: "[MS-CFB] 2", tests: "internal/cfb TestReadsWhatOlefileReads", elsewhere: "sample files as olefile reads them"},
	{structure: "compound files, written", section: "[MS-CFB] 2", tests: "internal/cfb TestOlefileReadsWhatIsWritten TestGsfListsWhatIsWritten TestSevenZipTestsWhatIsWritten TestRewrittenMessagesAreTheSame", elsewhere: "read by olefile, libgsf, 7-Zip"},
	{structure: ".msg: property streams, storages", section: "[MS-OXMSG] 2.1, 2.4", tests: "msgfile TestVectors TestSamplesAgreeWithOlefile TestSamplesAgreeWithMsgreader", kind: "msg-properties msg-mv", elsewhere: "sample files as olefile and msgreader read them"},
	{structure: ".msg: named property mapping", section: "[MS-OXMSG] 2.2.3", tests: "msgfile TestVectors TestNameStorageOfSamples", kind: "msg-nameid", elsewhere: "sample files"},
	{structure: ".msg, written", section: "[MS-OXMSG] 2", tests: "msgfile TestSamplesComeBack", elsewhere: "read by olefile, msgreader, msgconvert"},
	{structure: "compressed RTF", section: "[MS-OXRTFCP] 2", tests: "internal/oxrtfcp TestVectors TestSpecificationExamples TestMessages TestPublishedStreams", kind: "rtfcp rtfcp-dictionary rtfcp-tokens", elsewhere: "bodies of sample files as two other programs read them"},
	{structure: "restic: config, keys", section: "restic design, version 2", tests: "internal/restic TestKeysOfStock TestStockReadsOurs TestWeReadStock", elsewhere: "stock restic, both ways"},
	{structure: "restic: packs, indexes", section: "restic design, version 2", tests: "internal/restic TestStockReadsOurs TestWeReadStock TestStockForgetsAndPrunes", elsewhere: "stock restic, both ways"},
	{structure: "restic: trees, snapshots", section: "restic design, version 2", tests: "internal/restic TestTreesAreByteForByteStock TestSnapshotIsByteForByteStock", elsewhere: "stock restic, byte for byte"},
	{structure: "restic: content-defined chunks", section: "restic design, version 2", tests: "internal/restic TestChunkerCutsLikeStock", elsewhere: "stock restic, the same cuts"},
	{structure: "restic: locks", section: "restic design, version 2", tests: "internal/restic TestStockRespectsOurLock TestWeRespectStocksLock", elsewhere: "stock restic, both ways"},
	{structure: "restic: policies and groups of forget", section: "restic's documentation of forget", tests: "internal/restic TestPolicyAsStock", elsewhere: "stock restic chooses the same of a generated series"},
	{structure: "restic: prune", section: "restic design, version 2", tests: "internal/restic TestPruneWithStock TestKilledAnyMoment, internal/restic/storage TestFaultsAtEachCall, internal/endtoend TestKilledPrunes", elsewhere: "stock restic, both ways; killed processes; storage that fails at each call"},
	{structure: "restic: REST protocol, S3, SFTP", section: "restic's REST protocol, versions 1 and 2", tests: "internal/restic/storage TestBackend TestStockOnServers TestRESTVersion1 TestSFTPWithPassword", elsewhere: "servers of rclone and OpenSSH, with stock restic on the same repositories"},
	{structure: "mail messages (MIME), read", section: "RFC 5322, 2045 to 2047, [MS-OXCMAIL] 2.2", tests: "internal/mime TestTruth TestVectors", kind: "mime-headers imcea", elsewhere: "sample files as Python reads them"},
	{structure: "recurrence patterns and exceptions", section: "[MS-OXOCAL] 2.2.1.44", tests: "internal/oxocal TestVectors TestSpecificationVectors TestSmartViewVectors, internal/samplebox TestVectorsWalks TestVectorsRecurrence",
		kind: "AppointmentRecurrencePattern RecurrencePattern mfcmapi-appointmentrecurrencepattern mfcmapi-recurrencepattern"},
	{structure: "time zones of appointments", section: "[MS-OXOCAL] 2.2.1.39, 2.2.1.41", tests: "internal/samplebox TestVectorsWalks", kind: "TimeZoneDefinition TimeZoneStruct mfcmapi-timezonedefinition mfcmapi-timezone"},
	{structure: "global object id of a meeting", section: "[MS-OXOCAL] 2.2.1.27", tests: "internal/samplebox TestVectorsGlobalObjectID", kind: "GlobalObjectId"},
	{structure: "conversation index", section: "[MS-OXOMSG] 2.2.1.3", tests: "cdo TestConversationIndexVectors, internal/samplebox TestVectorsConversationIndex", kind: "mfcmapi-conversationindex"},
	{structure: "report tag", section: "[MS-OXOMSG] 2.2.2.22", tests: "internal/samplebox TestVectorsWalks", kind: "mfcmapi-reporttag"},
	{structure: "settings as regedit exports them", section: "regedit, version 5", tests: "internal/settings TestLoadsWhatRegeditWrites TestRegeditsFileByteForByte TestSamplesAgreeWithTheirTruth", elsewhere: "sample files; Wine's regedit"},
	{structure: "RpcHttpProxyMap", section: "Exchange Server MAPI Client and CDO 1.2.1", tests: "profile TestProxyMap"},
	{structure: "profiles of Outlook in the registry", section: "none published in full", tests: "profile TestImportSampleProfile", elsewhere: "a sample file and its truth"},
	{structure: "ProfileInfo of a dynamic profile", section: "CDO 1.2.1, Session.Logon", tests: "profile TestParseInfo TestPersonalised"},
}

// TestClaimed looks for the tests that claims rest on.
func TestClaimed(t *testing.T) {
	have := map[string][]string{}
	for _, c := range claims {
		for list := range strings.SplitSeq(c.tests, ",") {
			words := strings.Fields(list)
			dir := words[0]
			if have[dir] == nil {
				have[dir] = functions(t, dir)
			}
			for _, name := range words[1:] {
				if !slices.Contains(have[dir], name) {
					t.Errorf("%s: there is no test %s in %s", c.structure, name, dir)
				}
			}
		}
	}
}

// functions are the names of those in a package's tests.
func functions(t *testing.T, dir string) (names []string) {
	for _, f := range sources(t, dir, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

// claimed gives the vectors that claims rest on. Vectors with garbage in them count for nothing.
func claimed(t *testing.T, found func(id string, structures map[string]bool)) {
	kinds := map[string]bool{}
	for _, file := range vectorFiles(t) {
		for _, v := range vectors.Load(t, path.Base(file)) {
			kinds[v.Kind] = true
			for _, c := range claims {
				if slices.Contains(strings.Fields(c.kind), v.Kind) && strings.Contains(string(v.Decoded), c.holds) &&
					!strings.Contains(string(v.Decoded), "Unparsed_data_size") {
					found(v.ID, map[string]bool{c.structure: true})
				}
			}
		}
	}
	for _, c := range claims {
		for _, k := range strings.Fields(c.kind) {
			if !kinds[k] {
				t.Errorf("%s: there are no vectors of kind %s", c.structure, k)
			}
		}
	}
}
