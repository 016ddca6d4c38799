package codepage

import (
	"maps"
	"slices"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// pages are the code pages by number. The first name is the one that Microsoft's software writes; all are read.
var pages = map[int]page{
	UTF16: {nil, []string{"utf-16le", "utf-16", "unicode"}},
	1201:  {unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), []string{"utf-16be", "unicodefffe"}},
	12000: {utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), []string{"utf-32le", "utf-32"}},
	12001: {utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), []string{"utf-32be"}},
	UTF7:  {nil, []string{"utf-7", "unicode-1-1-utf-7", "csunicode11utf7"}},
	UTF8:  {nil, []string{"utf-8", "utf8", "unicode-1-1-utf-8"}},
	ASCII: {nil, []string{"us-ascii", "ascii", "ansi_x3.4-1968"}},

	1250:        {charmap.Windows1250, []string{"windows-1250", "cp1250", "x-cp1250"}},
	1251:        {charmap.Windows1251, []string{"windows-1251", "cp1251", "x-cp1251"}},
	Windows1252: {charmap.Windows1252, []string{"windows-1252", "cp1252", "x-ansi"}},
	1253:        {charmap.Windows1253, []string{"windows-1253", "cp1253"}},
	1254:        {charmap.Windows1254, []string{"windows-1254", "cp1254"}},
	1255:        {charmap.Windows1255, []string{"windows-1255", "cp1255"}},
	1256:        {charmap.Windows1256, []string{"windows-1256", "cp1256"}},
	1257:        {charmap.Windows1257, []string{"windows-1257", "cp1257"}},
	1258:        {charmap.Windows1258, []string{"windows-1258", "cp1258"}},
	874:         {charmap.Windows874, []string{"windows-874", "tis-620", "dos-874"}},

	ISO8859_1: {charmap.ISO8859_1, []string{"iso-8859-1", "iso8859-1", "latin1"}},
	28592:     {charmap.ISO8859_2, []string{"iso-8859-2", "iso8859-2", "latin2"}},
	28593:     {charmap.ISO8859_3, []string{"iso-8859-3"}},
	28594:     {charmap.ISO8859_4, []string{"iso-8859-4"}},
	28595:     {charmap.ISO8859_5, []string{"iso-8859-5"}},
	28596:     {charmap.ISO8859_6, []string{"iso-8859-6"}},
	28597:     {charmap.ISO8859_7, []string{"iso-8859-7"}},
	28598:     {charmap.ISO8859_8, []string{"iso-8859-8", "iso-8859-8-e", "visual"}},
	28599:     {charmap.ISO8859_9, []string{"iso-8859-9", "latin5"}},
	28600:     {charmap.ISO8859_10, []string{"iso-8859-10"}},
	28601:     {charmap.Windows874, []string{"iso-8859-11"}},
	28603:     {charmap.ISO8859_13, []string{"iso-8859-13"}},
	28604:     {charmap.ISO8859_14, []string{"iso-8859-14"}},
	28605:     {charmap.ISO8859_15, []string{"iso-8859-15", "latin9"}},
	28606:     {charmap.ISO8859_16, []string{"iso-8859-16"}},
	38598:     {charmap.ISO8859_8, []string{"iso-8859-8-i", "logical"}},
	20866:     {charmap.KOI8R, []string{"koi8-r", "koi8"}},
	21866:     {charmap.KOI8U, []string{"koi8-u", "koi8-ru"}},

	932:   {japanese.ShiftJIS, []string{"shift_jis", "shift-jis", "sjis", "x-sjis", "cp932", "windows-31j"}},
	20932: {japanese.EUCJP, []string{"euc-jp"}},
	50220: {japanese.ISO2022JP, []string{"iso-2022-jp"}},
	50221: {japanese.ISO2022JP, []string{"iso-2022-jp", "csiso2022jp"}},
	50222: {japanese.ISO2022JP, []string{"iso-2022-jp"}},
	51932: {japanese.EUCJP, []string{"euc-jp", "x-euc", "x-euc-jp"}},
	936:   {simplifiedchinese.GBK, []string{"gb2312", "gbk", "gb_2312-80", "cp936", "x-gbk"}},
	20936: {simplifiedchinese.GBK, []string{"x-cp20936"}},
	51936: {simplifiedchinese.GBK, []string{"euc-cn"}},
	52936: {simplifiedchinese.HZGB2312, []string{"hz-gb-2312"}},
	54936: {simplifiedchinese.GB18030, []string{"gb18030"}},
	949:   {korean.EUCKR, []string{"ks_c_5601-1987", "ks_c_5601", "cp949", "uhc"}},
	20949: {korean.EUCKR, []string{"x-cp20949"}},
	51949: {korean.EUCKR, []string{"euc-kr"}},
	950:   {traditionalchinese.Big5, []string{"big5", "cp950", "x-x-big5", "big5-hkscs"}},

	37:    {charmap.CodePage037, []string{"ibm037"}},
	437:   {charmap.CodePage437, []string{"ibm437", "cp437"}},
	850:   {charmap.CodePage850, []string{"ibm850", "cp850"}},
	852:   {charmap.CodePage852, []string{"ibm852", "cp852"}},
	855:   {charmap.CodePage855, []string{"ibm855", "cp855"}},
	858:   {charmap.CodePage858, []string{"ibm00858", "cp858"}},
	860:   {charmap.CodePage860, []string{"ibm860", "cp860"}},
	862:   {charmap.CodePage862, []string{"dos-862", "ibm862", "cp862"}},
	863:   {charmap.CodePage863, []string{"ibm863", "cp863"}},
	865:   {charmap.CodePage865, []string{"ibm865", "cp865"}},
	866:   {charmap.CodePage866, []string{"cp866", "ibm866"}},
	1047:  {charmap.CodePage1047, []string{"ibm01047", "ibm1047"}},
	1140:  {charmap.CodePage1140, []string{"ibm01140"}},
	10000: {charmap.Macintosh, []string{"macintosh", "x-mac-roman"}},
	10007: {charmap.MacintoshCyrillic, []string{"x-mac-cyrillic"}},
}

// preferred are the code pages of names that several have.
var preferred = map[string]int{"euc-jp": 51932, "iso-2022-jp": 50220}

var byName = func() map[string]int {
	m := map[string]int{}
	for _, cp := range slices.Sorted(maps.Keys(pages)) {
		for _, n := range pages[cp].names {
			m[n] = cp
		}
	}
	maps.Copy(m, preferred)
	return m
}()
