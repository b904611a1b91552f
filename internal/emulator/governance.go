package emulator

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"mime/multipart"
	"slices"
)

// uploadColumns returns the documented columns of the file.
func uploadColumns() []string {
	return []string{"principalId", "principalType", "permissionId", "permissionName", "permissionDescription", "permissionType"}
}

type sessionAnswer struct {
	Context         string        `json:"@odata.context"`
	Type            string        `json:"@odata.type"`
	ID              string        `json:"id"`
	CreatedDateTime string        `json:"createdDateTime"`
	Data            sessionData   `json:"data"`
	Files           []sessionFile `json:"files"`
	IsUploadDone    bool          `json:"isUploadDone"`
	ReferenceID     string        `json:"referenceId"`
	Stats           sessionStats  `json:"stats"`
	Status          string        `json:"status"`
}

type sessionData struct {
	Type         string `json:"@odata.type"`
	DefinitionID string `json:"reviewDefinitionId"`
	InstanceID   string `json:"reviewInstanceId"`
}

type sessionFile struct {
	ID               string `json:"id"`
	Name             string `json:"name"`
	Size             int64  `json:"size"`
	UploadedDateTime string `json:"uploadedDateTime"`
}

type sessionStats struct {
	FilesUploaded      int   `json:"filesUploaded"`
	TotalBytesUploaded int64 `json:"totalBytesUploaded"`
}

// uploadFile shows the session with the uploaded file alone: earlier ones aren't kept.
func (e *Emulator) uploadFile(c *call) (any, *refusal) {
	form, err := c.r.MultipartReader()
	if err != nil {
		// guess: what the service says to the cmdlets, which send no body, isn't documented
		return nil, c.bad("A file is needed. The service wants multipart/form-data with a part named 'file' that holds the CSV text; the upload cmdlets send no body and so can't carry one.")
	}
	file, no := c.readForm(form)
	if no != nil {
		return nil, no
	}
	if file == nil {
		return nil, c.bad("The multipart/form-data has no part named 'file'.")
	}
	file.ID = e.newID()
	return sessionAnswer{
		Context:         c.context("microsoft.graph.customDataProvidedResourceUploadSession"),
		Type:            "#microsoft.graph.customDataProvidedResourceAccessReviewUploadSession",
		ID:              SeededID,
		CreatedDateTime: file.UploadedDateTime,
		Data: sessionData{
			Type:         "#microsoft.graph.customDataProvidedResourcePayloads.accessReviewContextData",
			DefinitionID: SeededID,
			InstanceID:   SeededID,
		},
		Files:       []sessionFile{*file},
		ReferenceID: SeededID,
		Stats:       sessionStats{1, file.Size},
		Status:      "active",
	}, nil
}

// readForm reads the whole form and returns its file, nil if there is none. Other parts are skipped.
func (c *call) readForm(form *multipart.Reader) (*sessionFile, *refusal) {
	var file *sessionFile
	for {
		part, err := form.NextPart()
		if err == io.EOF { // bare; a wrapped one is a form that was cut off
			return file, nil
		}
		if err != nil {
			return nil, c.readError(err)
		}
		if part.FormName() != "file" {
			if err := drain(part); err != nil {
				return nil, c.readError(err)
			}
			continue
		}
		if file != nil {
			return nil, c.bad("The multipart/form-data has more than one part named 'file'.")
		}
		size, no := c.readTable(part)
		if no != nil {
			return nil, no
		}
		file = &sessionFile{Name: part.FileName(), Size: size, UploadedDateTime: timestamp(c.now)}
	}
}

// readTable checks a CSV text and returns its length. That a missing column is refused at once is a
// guess, and so is that the order is free.
func (c *call) readTable(r io.Reader) (int64, *refusal) {
	counted := &counter{r: r}
	text := bufio.NewReader(counted)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	rows := csv.NewReader(text)
	rows.ReuseRecord = true
	for first := true; ; first = false {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) && !first {
			return counted.n, nil
		}
		if _, ok := errors.AsType[*csv.ParseError](err); ok || errors.Is(err, io.EOF) {
			return 0, c.bad("The part named 'file' isn't a CSV text.")
		}
		if err != nil {
			return 0, c.readError(err)
		}
		if !first {
			continue
		}
		for _, column := range uploadColumns() {
			if !slices.Contains(row, column) {
				return 0, c.bad("The CSV text has no column '%s'.", column)
			}
		}
	}
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

// Read reads from the wrapped reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
