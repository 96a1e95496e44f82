// Package river runs what jobs declares on riverqueue/river, inside the same database as the data. A job is enqueued in a
// transaction of the store and exists if and only if that commits. Rows hold ids and constant texts only: what went wrong goes to
// the log. Finished jobs are kept for minutes.
package river

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/parley-voice/parley/internal/jobs"
)

// Engine names the database below.
type Engine string

// Engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// maxAttempts is what the column holds. An erasure is never given up: at the longest delay this is over 100 days.
const maxAttempts = 32767

// ErrRunning says that a job of the agent is being worked on and cannot be deleted now.
var ErrRunning = errors.New("river: a job of the agent is running")

// Job is what is enqueued: ids only.
type Job struct {
	Kind    string
	Subject string
	Agent   string    // the agent that the subject is or belongs to; empty when there is none
	RunAt   time.Time // zero is now
}

// Queue is a job queue in a database that others opened.
type Queue struct {
	engine Engine
	db     *sql.DB
	driver riverdriver.Driver[*sql.Tx]
	client *river.Client[*sql.Tx] // inserts and deletes; it works no jobs
	log    *slog.Logger
}

// NewSQLite makes a queue that shares the one writing connection of db.
func NewSQLite(db *sql.DB, log *slog.Logger) (*Queue, error) {
	return newQueue(SQLite, db, riversqlite.New(db), log)
}

// NewPostgres makes a queue on db; a running Runner takes one connection of listener to hear of new jobs at once.
func NewPostgres(db *sql.DB, listener *pgxpool.Pool, log *slog.Logger) (*Queue, error) {
	return newQueue(Postgres, db, riverdatabasesql.NewWithPgxListener(db, listener), log)
}

func newQueue(engine Engine, db *sql.DB, driver riverdriver.Driver[*sql.Tx], log *slog.Logger) (*Queue, error) {
	log = log.With("part", "river")
	client, err := river.NewClient(driver, &river.Config{Logger: newCalm(log)})
	if err != nil {
		return nil, fmt.Errorf("make the job queue: %w", err)
	}
	return &Queue{engine: engine, db: db, driver: driver, client: client, log: log}, nil
}

// Migrate brings River's tables up to date.
func (q *Queue) Migrate(ctx context.Context) error {
	m, err := rivermigrate.New(q.driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// Enqueue adds a job within tx.
func (q *Queue) Enqueue(ctx context.Context, tx *sql.Tx, j Job) error {
	opts := &river.InsertOpts{MaxAttempts: maxAttempts, ScheduledAt: j.RunAt, Queue: queueOf(j.Kind)}
	if _, err := q.client.InsertTx(ctx, tx, args{kind: j.Kind, Subject: j.Subject, Agent: j.Agent}, opts); err != nil {
		return fmt.Errorf("enqueue %s: %w", j.Kind, err)
	}
	return nil
}

// Whose picks jobs by what they are about.
type Whose struct {
	where string
	args  river.NamedArgs
}

// waitingQueue is that of jobs which wait for the servers of others.
const waitingQueue = "waiting"

func queueOf(kind string) string {
	if jobs.Waits(kind) {
		return waitingQueue
	}
	return river.QueueDefault
}

// OfAgent picks the jobs of an agent and of its calls.
func OfAgent(id string) Whose {
	return Whose{"args ->> 'agent' = @agent", river.NamedArgs{"agent": id}}
}

// OfSubjects picks the jobs about some rows, at least one.
func OfSubjects(ids []string) Whose {
	w := Whose{args: river.NamedArgs{}}
	names := make([]string, len(ids))
	for i, id := range ids {
		name := "s" + strconv.Itoa(i)
		names[i], w.args[name] = "@"+name, id
	}
	w.where = "args ->> 'subject' IN (" + strings.Join(names, ", ") + ")"
	return w
}

// Erase deletes up to limit finished and waiting jobs within tx and returns how many went. It answers ErrRunning when
// all that is left is being worked on.
func (q *Queue) Erase(ctx context.Context, tx *sql.Tx, w Whose, limit int) (int64, error) {
	gone, err := q.client.JobDeleteManyTx(ctx, tx, river.NewJobDeleteManyParams().Where(w.where, w.args).First(limit))
	if err != nil {
		return 0, fmt.Errorf("delete jobs: %w", err)
	}
	if n := len(gone.Jobs); n > 0 {
		return int64(n), nil
	}
	left, err := q.client.JobListTx(ctx, tx, river.NewJobListParams().States(rivertype.JobStateRunning).Where(w.where, w.args).First(1))
	if err != nil {
		return 0, fmt.Errorf("look for running jobs: %w", err)
	}
	if len(left.Jobs) > 0 {
		return 0, ErrRunning
	}
	return 0, nil
}

// countMost is up to where Count counts.
const countMost = 10000

// Count counts the jobs that Erase would delete, up to 10,000.
func (q *Queue) Count(ctx context.Context, tx *sql.Tx, w Whose) (int64, error) {
	list, err := q.client.JobListTx(ctx, tx, river.NewJobListParams().Where(w.where, w.args).First(countMost))
	if err != nil {
		return 0, fmt.Errorf("count jobs: %w", err)
	}
	return int64(len(list.Jobs)), nil
}

// args are the arguments of every kind of job.
type args struct {
	kind    string
	Subject string `json:"subject,omitempty"`
	Agent   string `json:"agent,omitempty"`
}

// Kind names the job.
func (a args) Kind() string { return a.kind }
