package checkout

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

const (
	lfsMediaType = "application/vnd.git-lfs+json"
	maxLFSAnswer = 16 << 20
	maxLFSError  = 1 << 10
)

// lfsAction is how an object is downloaded.
type lfsAction struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

// lfsAnswer is the response to a batch request (Git LFS API, "Batch API").
type lfsAnswer struct {
	Transfer string `json:"transfer"`
	Objects  []struct {
		lfsObject
		Actions struct {
			Download *lfsAction `json:"download"`
		} `json:"actions"`
		Error *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	} `json:"objects"`
}

// endpoint is the LFS server of the repository (Git LFS API, "Server Discovery"). A server
// that .lfsconfig names is not asked: the commit would choose who gets the token.
func (c *lfsClient) endpoint() string {
	u := *c.a.url
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), ""
	if !strings.HasSuffix(u.Path, ".git") {
		u.Path += ".git"
	}
	return u.JoinPath("info/lfs/objects/batch").String()
}

// ask asks how the objects are downloaded.
func (c *lfsClient) ask(ctx context.Context, batch []*lfsObject) (map[string]lfsAction, error) {
	body, err := json.Marshal(map[string]any{"operation": "download", "transfers": []string{"basic"}, "hash_algo": "sha256", "objects": batch})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", lfsMediaType)
	request.Header.Set("Content-Type", lfsMediaType)
	if c.a.token != "" {
		request.SetBasicAuth("x-access-token", c.a.token)
	}
	response, err := c.send(request, "asking for files in Git LFS")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := limits.ReadAll(response.Body, maxLFSAnswer)
	if err != nil {
		return nil, errs.Temporaryf("asking for files in Git LFS of %s: %w", c.o.URL, err)
	}
	return c.actions(text, batch)
}

// actions reads an answer, which must say how each object of the batch is downloaded.
func (c *lfsClient) actions(text []byte, batch []*lfsObject) (map[string]lfsAction, error) {
	var answer lfsAnswer
	if err := json.Unmarshal(text, &answer); err != nil || answer.Transfer != "" && answer.Transfer != "basic" {
		return nil, errs.Failedf("unexpected response of the Git LFS server of %s: transfer %q: %w", c.o.URL, answer.Transfer, err)
	}
	actions := map[string]lfsAction{}
	for _, object := range answer.Objects {
		switch {
		case object.Error != nil:
			return nil, c.lacks(batch, object.OID, fmt.Errorf("%d %q", object.Error.Code, object.Error.Message))
		case object.Actions.Download != nil:
			actions[object.OID] = *object.Actions.Download
		}
	}
	for _, object := range batch {
		if _, found := actions[object.OID]; !found {
			return nil, c.lacks(batch, object.OID, errors.New("the server gives no address"))
		}
	}
	return actions, nil
}

func (c *lfsClient) lacks(batch []*lfsObject, id string, reason error) error {
	name := id
	if at := slices.IndexFunc(batch, func(o *lfsObject) bool { return o.OID == id }); at >= 0 {
		name = batch[at].paths[0]
	}
	return errs.Invalidf("the Git LFS server of %s does not have %q: %w", c.o.URL, name, reason).
		WithHint("push it (git lfs push --all origin), or set checkout.lfs: false")
}

// send sends a request. Its errors are of kind Temporary where another attempt may help.
func (c *lfsClient) send(request *http.Request, doing string) (*http.Response, error) {
	ctx, dog := newWatchdog(request.Context(), c.over, c.o.Patience)
	dog.most = math.MaxInt64
	client := &http.Client{Transport: dog, CheckRedirect: c.o.followLFS}
	response, err := client.Do(request.WithContext(ctx))
	switch {
	case errors.Is(err, errOtherHost):
		return nil, errs.Invalidf("%s of %s: %w", doing, c.o.URL, err)
	case err != nil:
		return nil, errs.Temporaryf("%s of %s: %w", doing, c.o.URL, cmp.Or(context.Cause(ctx), err))
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxLFSError)) // what there is of the reason
	why := fmt.Errorf("%s: %q", response.Status, text)
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusNotFound:
		return nil, errs.Invalidf("%s of %s: access denied, or the server has no Git LFS: %w", doing, c.o.URL, why).
			WithHint("check that the configured token may read the repository")
	case code >= http.StatusInternalServerError, code == http.StatusTooManyRequests:
		return nil, errs.Temporaryf("%s of %s: %w", doing, c.o.URL, why)
	}
	return nil, errs.Failedf("%s of %s: %w", doing, c.o.URL, why)
}

// followLFS follows redirects to https. The token is in the first request only: net/http
// drops it for another host.
func (o Options) followLFS(next *http.Request, via []*http.Request) error {
	if len(via) > 5 || !o.mayDownload(next.URL) {
		return fmt.Errorf("%w: %q", errOtherHost, next.URL.Host)
	}
	return nil
}

// mayDownload reports whether an object may be downloaded from an address, which the
// server of the repository gave: any https URL, as they are in the storage of a cloud.
func (o Options) mayDownload(u *url.URL) bool {
	return u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && o.AllowLocal && isLoopback(u.Hostname()))
}
