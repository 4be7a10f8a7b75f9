// Reads Sampan's topics with clients that its authors did not write, one line of JSON a record.
//
//	go run . BROKERS REGISTRY TOPIC COUNT
//
// With SAMPAN_KAFKA_USER it logs in by SCRAM-SHA-512 inside TLS; SAMPAN_KAFKA_PASSWORD and SAMPAN_KAFKA_CA (a
// PEM file) go with it. A copy (same log, partition and sequence as before) is dropped.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"github.com/twmb/franz-go/pkg/sr"
)

// What is printed of a record.
type line struct {
	Key       string            `json:"key"`
	Partition int32             `json:"partition"`
	Headers   map[string]string `json:"headers"`
	SchemaID  int               `json:"schema_id"`
	Value     any               `json:"value"`
}

// Where a record stands in Sampan's own log; Kafka's offsets are not it.
type place struct {
	log       string
	partition int32
	sequence  string
}

func main() {
	log.SetFlags(0)
	brokers, registry, topic := os.Args[1], os.Args[2], os.Args[3]
	count, err := strconv.Atoi(os.Args[4])
	check(err)
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(brokers, ",")...),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}
	client, err := kgo.NewClient(append(options, login()...)...)
	check(err)
	defer client.Close()
	schemas, err := sr.NewClient(sr.URLs(registry))
	check(err)

	seen := map[place]bool{}
	codecs := map[int]*goavro.Codec{}
	out := json.NewEncoder(os.Stdout)
	for len(seen) < count {
		fetches := client.PollFetches(ctx)
		check(fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			headers := map[string]string{}
			for _, header := range record.Headers {
				headers[header.Key] = string(header.Value)
			}
			at := place{headers["sampan_logid"], record.Partition, headers["ce_sequence"]}
			if seen[at] {
				return
			}
			seen[at] = true
			id, avro, err := new(sr.ConfluentHeader).DecodeID(record.Value)
			check(err)
			if codecs[id] == nil {
				schema, err := schemas.SchemaByID(ctx, id)
				check(err)
				codecs[id], err = goavro.NewCodec(schema.Schema)
				check(err)
			}
			value, rest, err := codecs[id].NativeFromBinary(avro)
			check(err)
			if len(rest) != 0 {
				check(fmt.Errorf("%d bytes behind the value", len(rest)))
			}
			check(out.Encode(line{string(record.Key), record.Partition, headers, id, value}))
		})
	}
}

func login() []kgo.Opt {
	user := os.Getenv("SAMPAN_KAFKA_USER")
	if user == "" {
		return nil
	}
	pem, err := os.ReadFile(os.Getenv("SAMPAN_KAFKA_CA"))
	check(err)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(pem)
	auth := scram.Auth{User: user, Pass: os.Getenv("SAMPAN_KAFKA_PASSWORD")}
	return []kgo.Opt{
		kgo.DialTLSConfig(&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}),
		kgo.SASL(auth.AsSha512Mechanism()),
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
