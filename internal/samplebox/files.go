package samplebox

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// The pool of files that mail carries, over and over: sizes are log-normal.
const (
	poolSize   = 400
	medianSize = 80 << 10
	sigma      = 1.4
	largest    = 4 << 20
	smallest   = 1 << 10
	smallFile  = 16 << 10                 // up to here files are text
	stretch    = poolSize / filesPerBlock // files of like size
)

// poolFile is a file of the pool; its content is made when it is needed.
type poolFile struct {
	name, mime string
	size       int
	seed       [32]byte
	lang       *language
	made       time.Time
}

// newPool gives the pool in rising order of sizes.
func newPool(r *rand.Rand) []poolFile {
	pool := make([]poolFile, poolSize)
	for i := range pool {
		q := (float64(i) + 0.5) / poolSize
		size := medianSize * math.Exp(sigma*math.Sqrt2*math.Erfinv(2*q-1))
		f := poolFile{size: min(max(int(size), smallest), largest), lang: languageOf(r.IntN(len(languageTurns))), made: moment(r)}
		t := fileTypes[(i+i/stretch)%len(fileTypes)]
		if f.size < smallFile {
			t = textTypes[i%len(textTypes)]
		}
		f.mime = t.mime
		f.name = fmt.Sprintf("%s %s%s", pick(r, f.lang.files), f.made.Format("2006-01-02"), t.ext)
		copy(f.seed[:], randomBytes(r, len(f.seed)))
		pool[i] = f
	}
	return pool
}

type fileType struct{ ext, mime string }

// fileTypes come by turns, of which each stretch of the pool begins with another.
var fileTypes = []fileType{
	{".pdf", "application/pdf"}, {".pdf", "application/pdf"}, {".pdf", "application/pdf"},
	{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{".zip", "application/zip"}, {".png", "image/png"},
}

var textTypes = []fileType{{".csv", "text/csv"}, {".txt", "text/plain"}}

// content makes the file. It is about as large as size says.
func (f *poolFile) content() ([]byte, error) {
	noise := rand.NewChaCha8(f.seed)
	r := rand.New(noise)
	switch f.mime {
	case "text/plain", "text/csv":
		return f.text(r), nil
	case "application/pdf":
		return pdf(noise, f.size, strings.TrimSuffix(f.name, ".pdf")), nil
	case "image/png":
		return noisePNG(noise, f.size)
	case "application/zip":
		return archive(noise, f.made, f.size, entry{"readme.txt", []byte(pick(r, f.lang.sentences) + "\r\n")}, entry{"measurements.bin", nil})
	}
	return archive(noise, f.made, f.size,
		entry{"[Content_Types].xml", []byte(docxTypes)}, entry{"_rels/.rels", []byte(docxRels)},
		entry{"word/document.xml", fmt.Appendf(nil, docxBody, f.name)}, entry{"docProps/thumbnail.bin", nil})
}

func (f *poolFile) text(r *rand.Rand) []byte {
	var b bytes.Buffer
	if f.mime == "text/csv" {
		b.WriteString("serial;product;flow l/min;pressure bar;result\r\n")
		for b.Len() < f.size {
			fmt.Fprintf(&b, "%06d;%s;%d.%02d;%d.%d;ok\r\n", r.IntN(1e6), pick(r, products), r.IntN(400), r.IntN(100), r.IntN(40), r.IntN(10))
		}
		return b.Bytes()
	}
	for b.Len() < f.size {
		for _, p := range f.lang.prose(r, 12, pick(r, f.lang.projects), company, f.made) {
			b.WriteString(p + "\r\n\r\n")
		}
	}
	return b.Bytes()
}

type entry struct {
	name string
	data []byte // nil: noise up to the size of the whole
}

const (
	docxTypes = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="bin" ContentType="application/octet-stream"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`
	docxRels  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`
	docxBody  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:body></w:document>`
)

// archive makes a ZIP file without compression, so that it doesn't depend on a compressor.
func archive(noise *rand.ChaCha8, made time.Time, size int, parts ...entry) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(size + 4096)
	z := zip.NewWriter(&b)
	for _, p := range parts {
		w, err := z.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Store, Modified: made})
		if err != nil {
			return nil, err
		}
		if p.data == nil {
			p.data = make([]byte, max(size-b.Len(), 16))
			noise.Read(p.data)
		}
		if _, err := w.Write(p.data); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// pdf makes a PDF file of one page with a title and a grey picture of noise.
func pdf(noise *rand.ChaCha8, size int, title string) []byte {
	ascii := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || strings.ContainsRune(`()\`, c) {
			return '-'
		}
		return c
	}, title)
	rows := max(size-1200, 256) / 256
	picture := make([]byte, rows*256)
	noise.Read(picture)
	page := fmt.Sprintf("BT /F1 18 Tf 72 770 Td (%s) Tj ET q 451 0 0 %d 72 72 cm /Im1 Do Q", ascii, min(650, 2*rows))
	var b bytes.Buffer
	b.Grow(size + 2048)
	b.WriteString("%PDF-1.4\n%\xE2\xE3\xCF\xD3\n")
	var offsets []int
	object := func(head string, stream []byte) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\n", len(offsets), head)
		if stream != nil {
			b.WriteString("stream\n")
			b.Write(stream)
			b.WriteString("\nendstream\n")
		}
		b.WriteString("endobj\n")
	}
	object("<< /Type /Catalog /Pages 2 0 R >>", nil)
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>", nil)
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> /XObject << /Im1 6 0 R >> >> >>", nil)
	object(fmt.Sprintf("<< /Length %d >>", len(page)), []byte(page))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>", nil)
	object(fmt.Sprintf("<< /Type /XObject /Subtype /Image /Width 256 /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Length %d >>", rows, len(picture)), picture)
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, table)
	return b.Bytes()
}

// encoder doesn't compress: what a compressor makes may change with the version of Go.
var encoder = png.Encoder{CompressionLevel: png.NoCompression}

// noisePNG is a picture like a photograph, which doesn't compress either.
func noisePNG(noise *rand.ChaCha8, size int) ([]byte, error) {
	const width = 640
	img := image.NewNRGBA(image.Rect(0, 0, width, max(size/(3*width), 1)))
	noise.Read(img.Pix)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 0xFF // opaque, so that three bytes of each pixel are written
	}
	var b bytes.Buffer
	err := encoder.Encode(&b, img)
	return b.Bytes(), err
}

// chart is a small diagram, as mail has between its lines.
func chart(r *rand.Rand) ([]byte, error) {
	const width, height = 160, 90
	img := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White, color.Black,
		color.RGBA{uint8(r.IntN(200)), uint8(r.IntN(200)), 0xC0, 0xFF}})
	for x := range width {
		img.SetColorIndex(x, height-1, 1)
	}
	for bar := range 12 {
		top := r.IntN(height - 10)
		for x := 4 + bar*13; x < 13+bar*13 && x < width; x++ {
			for y := top; y < height-1; y++ {
				img.SetColorIndex(x, y, 2)
			}
		}
	}
	var b bytes.Buffer
	err := encoder.Encode(&b, img)
	return b.Bytes(), err
}

// tone is a sound of a few seconds: 8 kHz, 16 bits, mono.
func tone(r *rand.Rand, seconds int) []byte {
	n := 8000 * seconds
	b := append(make([]byte, 0, 44+2*n), "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(36+2*n))
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1F\x00\x00\x80\x3E\x00\x00\x02\x00\x10\x00data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*n))
	step, phase := 400+r.IntN(600), 0
	for range n {
		phase = (phase + step) % 65536
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(r.IntN(2000)+max(phase, 65536-phase)/4)))
	}
	return b
}

// large is a value as providers pass it: in memory when it is small.
func large(data []byte) mapi.Value {
	if len(data) < mapi.LargeValue {
		return data
	}
	return mapi.MemBlob(data)
}

// file is an attachment by value ([MS-OXCMSG] 2.2.2.9).
func file(name, mime string, data []byte, made time.Time) *mapi.Attachment {
	ext := name[max(strings.LastIndexByte(name, '.'), 0):]
	return &mapi.Attachment{Props: props(pid.TagAttachMethod, int32(1), pid.TagAttachLongFilename, name, pid.TagAttachFilename, shortName(name),
		pid.TagDisplayName, name, pid.TagAttachExtension, ext, pid.TagAttachMimeTag, mime, pid.TagRenderingPosition, int32(-1),
		pid.TagAttachFlags, int32(0), pid.TagAttachmentHidden, false, pid.TagAttachmentLinkId, int32(0),
		pid.TagCreationTime, ft(made), pid.TagLastModificationTime, ft(made),
		pid.TagAttachSize, int32(len(data)), pid.TagAttachDataBinary, large(data))}
}

// shortName is the name in the form 8.3, as far as it has letters for that.
func shortName(name string) string {
	dot := max(strings.LastIndexByte(name, '.'), 0)
	var b strings.Builder
	for _, c := range strings.ToUpper(name[:dot]) {
		if c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteRune(c)
		}
	}
	base := b.String()
	if len(base) < 2 {
		base = "FILE"
	}
	ext := strings.ToUpper(name[dot:])
	return base[:min(len(base), 6)] + "~1" + ext[:min(len(ext), 4)]
}

// attachFile attaches a file of the pool.
func (m *maker) attachFile(it *mapi.Item, index int) {
	f := &m.pool[index]
	data, err := f.content()
	if err != nil && m.err == nil {
		m.err = err
	}
	it.Attachments = append(it.Attachments, file(f.name, f.mime, data, f.made))
}

// embed attaches an item ([MS-OXCMSG] 2.2.2.9: afEmbeddedMessage).
func embed(it *mapi.Item, inner *mapi.Item) *mapi.Attachment {
	a := &mapi.Attachment{Embedded: inner, Props: props(pid.TagAttachMethod, int32(5), pid.TagDisplayName, inner.Props.Text(pid.TagSubject),
		pid.TagRenderingPosition, int32(-1), pid.TagAttachFlags, int32(0), pid.TagAttachmentHidden, false)}
	if t := inner.Props.Tag(pid.TagCreationTime); t != nil {
		set(&a.Props, pid.TagCreationTime, t, pid.TagLastModificationTime, t)
	}
	it.Attachments = append(it.Attachments, a)
	return a
}
