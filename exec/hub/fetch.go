package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// stall is how long a download may stand still before it is tried again.
const stall = time.Minute

// errStalled ends an attempt that goes on no more.
var errStalled = errors.New("no data for a minute")

// maxUnknown is the size of the largest file whose size the hub does not tell.
const maxUnknown = 8 << 30

// fetch downloads one file into the stage, unless it lies there whole: it goes on where an earlier attempt stopped, and checks the sum.
func (c *client) fetch(ctx context.Context, repository, commit string, f file, s *stage) error {
	if s.has(f) {
		return nil
	}
	if !f.checkable() { // nothing would tell that what is left of an earlier attempt is of another revision
		s.drop(f)
	}
	bad := 0 // sums that were wrong
	for attempt := 1; ; {
		before := s.partSize(f)
		err := c.tryFetch(ctx, repository, commit, &f, s)
		if err == nil {
			switch err = s.finish(f); {
			case err == nil:
				return nil
			case !errors.As(err, new(*ChecksumError)):
				return err
			}
			// A part of another revision, or damage: once more from the start.
			if bad++; bad == 2 {
				return err
			}
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var status *StatusError
		var local *os.PathError
		if errors.As(err, &local) || errors.As(err, &status) && !temporary(status.Status) {
			return err
		}
		if s.partSize(f) > before { // a connection that breaks off now and then gets there in the end
			attempt = 1
		}
		if attempt == attempts {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := c.wait(ctx, attempt); err != nil {
			return err
		}
		attempt++
	}
}

// tryFetch appends to the file's part until it is complete. It completes f where the hub's headers tell its sum.
func (c *client) tryFetch(ctx context.Context, repository, commit string, f *file, s *stage) error {
	part, err := s.openPart(*f)
	if err != nil {
		return err
	}
	defer part.Close()
	start, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if f.size >= 0 && start > f.size {
		if start, err = restart(part); err != nil {
			return err
		}
	}
	if f.size >= 0 && start == f.size {
		return part.Sync() // complete: the sum will tell
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(c.stall, func() { cancel(errStalled) })
	defer watchdog.Stop()
	header := http.Header{}
	if start > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", start))
	}
	ctx = context.WithValue(ctx, redirectedFile{}, f)
	response, err := c.get(ctx, "/"+repository+"/resolve/"+url.PathEscape(commit)+"/"+escape(f.name), header)
	if err != nil {
		return why(ctx, err)
	}
	defer response.Body.Close()
	f.learn(response.Header)
	switch response.StatusCode {
	case http.StatusOK: // the whole file, whatever was asked for
		if start, err = restart(part); err != nil {
			return err
		}
	case http.StatusPartialContent:
		if at, ok := rangeStart(response.Header.Get("Content-Range")); !ok || at != start {
			return fmt.Errorf("the hub answers with another range than asked for")
		}
	case http.StatusRequestedRangeNotSatisfiable: // the part is as long as the file, or longer
		_, err := restart(part)
		if err == nil {
			err = errors.New("the hub has no such range")
		}
		return err
	default:
		return &StatusError{What: repository + ": " + f.name, Status: response.StatusCode}
	}
	limit := f.size
	if limit < 0 {
		limit = maxUnknown
	}
	total := f.size
	if total < 0 && response.ContentLength >= 0 {
		total = start + response.ContentLength
	}
	done, buffer := start, make([]byte, 256<<10)
	c.progress(f.name, done, total)
	for {
		n, err := response.Body.Read(buffer)
		if done+int64(n) > limit {
			return fmt.Errorf("the hub sends more than the %d bytes that it announced", limit)
		}
		if n > 0 {
			watchdog.Reset(c.stall)
			if _, err := part.Write(buffer[:n]); err != nil {
				return err
			}
			done += int64(n)
			c.progress(f.name, done, total)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return why(ctx, err)
		}
	}
	if total >= 0 && done < total {
		return io.ErrUnexpectedEOF
	}
	return part.Sync()
}

// redirectedFile is the key of a request's context for the file that it asks for.
type redirectedFile struct{}

// redirect takes the sum from the hub's answer before the download's own host is asked, which knows nothing of it.
func redirect(request *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	if f, ok := request.Context().Value(redirectedFile{}).(*file); ok && request.Response != nil {
		f.learn(request.Response.Header)
	}
	return nil
}

// learn takes the SHA-256 from the headers of an answer where the list of files had none.
func (f *file) learn(header http.Header) {
	if !f.checkable() {
		f.sha256 = sum(strings.Trim(header.Get("X-Linked-Etag"), `"`), 32)
	}
}

// why prefers a context's cause, such as the watchdog's, to the "context canceled" that net/http makes of it.
func why(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func restart(part *os.File) (int64, error) {
	if err := part.Truncate(0); err != nil {
		return 0, err
	}
	return part.Seek(0, io.SeekStart)
}

// rangeStart reads the first number of "bytes 100-199/200".
func rangeStart(header string) (int64, bool) {
	rest, ok := strings.CutPrefix(header, "bytes ")
	first, _, dash := strings.Cut(rest, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	return n, ok && dash && err == nil && n >= 0
}

// escape escapes each part of a file's path.
func escape(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}
