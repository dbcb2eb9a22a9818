package assets

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// The key of an asset is chosen by the code that is deployed, and says nothing
// about the object that is found there: an earlier commit of the environment may
// have published something else under the key of a later one. An object counts as
// published if S3's own checksum of it is that of the file, or if it was published
// from an equal source: only this program writes that metadata, and what it writes
// is computed here. All other objects are replaced. What others publish, such as
// archives of the CDK CLI, is replaced once, as compression differs.
//
// A command is only compared as text: running it again costs as much as publishing.
// Who may write to the bucket by other means than this program can forge the
// metadata; he holds the rights of the account.

const (
	// sourceKey is the metadata of an object that says what it was made from.
	sourceKey = "aphex-source"
	// maxCompared is the most that is read of an object without a checksum, in bytes.
	// CloudFormation limits templates to it.
	maxCompared = 1 << 20
	// partSize is the size from which S3 has only a checksum of checksums.
	partSize = 8 << 20
)

// isProven reports whether the object at a destination is what would be uploaded. An
// asset without a source has nothing to be compared with.
func (p *Publisher) isProven(ctx context.Context, client *s3.Client, list *assembly.AssetManifest, file assembly.FileAsset, d assembly.FileDestination) (bool, error) {
	if file.Missing != nil {
		return true, nil
	}
	found, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &d.Bucket, Key: &d.Key, ChecksumMode: types.ChecksumModeEnabled})
	switch {
	case isStatus(err, http.StatusNotFound), isStatus(err, http.StatusForbidden): // removed, or not readable
		return false, nil
	case err != nil:
		return false, err
	}
	if sum := aws.ToString(found.ChecksumSHA256); isPlain(file) && sum != "" && !strings.Contains(sum, "-") {
		own, err := fileDigest(file.Path)
		return base64.StdEncoding.EncodeToString(own) == sum, err
	}
	source, err := p.source(list, file)
	switch {
	case err != nil:
		return false, err
	case found.Metadata[sourceKey] != "":
		return found.Metadata[sourceKey] == source, nil
	case isPlain(file) && aws.ToInt64(found.ContentLength) <= maxCompared:
		return isEqual(ctx, client, file, d)
	}
	return false, nil
}

// isPlain reports whether an asset is uploaded as it is.
func isPlain(file assembly.FileAsset) bool { return !file.Zip && len(file.Command) == 0 }

func isStatus(err error, status int) bool {
	var response *awshttp.ResponseError
	return errors.As(err, &response) && response.HTTPStatusCode() == status
}

// source describes what an asset is made from, for the metadata of its object.
func (p *Publisher) source(list *assembly.AssetManifest, file assembly.FileAsset) (string, error) {
	return p.sources.do(archiveKey(list, file), func() (string, error) {
		kind, sum, err := "file", []byte(nil), error(nil)
		switch {
		case len(file.Command) > 0:
			text := sha256.Sum256([]byte(strings.Join(file.Command, "\x00")))
			kind, sum = "command", text[:]
		case file.Zip:
			kind = "folder"
			sum, err = treeDigest(file.Path, list.Root, p.hashed)
		default:
			sum, err = fileDigest(file.Path)
		}
		if err != nil {
			return "", fmt.Errorf("reading the asset %s: %w", file.Name, err)
		}
		return kind + ":" + hex.EncodeToString(sum), nil
	})
}

// metadata returns what is stored with an object for isProven. S3's checksum is
// enough for a file of one part.
func (p *Publisher) metadata(list *assembly.AssetManifest, file assembly.FileAsset) (map[string]string, error) {
	if info, err := os.Stat(file.Path); isPlain(file) && err == nil && info.Size() < partSize {
		return nil, nil
	}
	source, err := p.source(list, file)
	return map[string]string{sourceKey: source}, err
}

func fileDigest(path string) ([]byte, error) {
	file, err := limits.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return sum.Sum(nil), err
}

// isEqual compares a small object with the file. Older releases of the CDK CLI
// upload without a checksum.
func isEqual(ctx context.Context, client *s3.Client, file assembly.FileAsset, d assembly.FileDestination) (bool, error) {
	found, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &d.Bucket, Key: &d.Key})
	if err != nil {
		return false, err
	}
	defer found.Body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(found.Body, maxCompared+1)); err != nil {
		return false, errs.Temporaryf("reading s3://%s/%s: %w", d.Bucket, d.Key, err)
	}
	own, err := fileDigest(file.Path)
	return string(own) == string(sum.Sum(nil)), err
}
