package river

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/parley-voice/parley/internal/jobs"
)

const (
	workers       = 20
	waiters       = 500                    // of jobs that wait for the servers of others
	fetchCooldown = 20 * time.Millisecond  // throughput is workers a cooldown
	fetchPoll     = 200 * time.Millisecond // how soon a job comes that no notification announces, such as one's next round
	retention     = 5 * time.Minute
	softStop      = 2 * time.Second
	rescueMargin  = 15 * time.Second
	longestDelay  = 5 * time.Minute
	defaultLimit  = time.Minute
	startLimit    = 10 * time.Second

	periodicAttempts = 3 // the next round comes anyway
)

// waiting are the states in which a periodic job is not enqueued a second time.
var waiting = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
}

// errFailed is all that a row keeps of a failure, since a real error may hold what callers said.
var errFailed = errors.New("job failed; the server's log says why")

// Runner works the jobs of a queue.
type Runner struct {
	queue  *Queue
	node   string
	client *river.Client[*sql.Tx]
	log    *slog.Logger
}

// NewRunner makes a runner for the jobs of set. node names this process and stays the same over its restarts: what it was working
// on when it was killed is taken up again at once. No two running processes may have the same.
func NewRunner(q *Queue, set jobs.Set, node string) (*Runner, error) {
	known := river.NewWorkers()
	for kind, h := range set.Handlers {
		if kind == "" || h == nil {
			return nil, fmt.Errorf("job kind %q has no handler", kind)
		}
		river.AddWorkerArgs(known, args{kind: kind}, &worker{kind: kind, handle: h, log: q.log})
	}
	limit := cmp.Or(set.Timeout, defaultLimit)
	client, err := river.NewClient(q.driver, &river.Config{
		ID:                          node,
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}, waitingQueue: {MaxWorkers: waiters}},
		Workers:                     known,
		PeriodicJobs:                periodic(set.Periodic),
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           fetchPoll,
		JobTimeout:                  limit,
		RescueStuckJobsAfter:        limit + rescueMargin,
		RetryPolicy:                 growing{},
		SoftStopTimeout:             softStop,
		CompletedJobRetentionPeriod: retention,
		CancelledJobRetentionPeriod: retention,
		DiscardedJobRetentionPeriod: retention,
		Logger:                      newCalm(q.log),
	})
	if err != nil {
		return nil, fmt.Errorf("make the job runner: %w", err)
	}
	return &Runner{queue: q, node: node, client: client, log: q.log}, nil
}

func periodic(ps []jobs.Periodic) []*river.PeriodicJob {
	all := make([]*river.PeriodicJob, len(ps))
	for i, p := range ps {
		all[i] = river.NewPeriodicJob(river.PeriodicInterval(p.Every), func() (river.JobArgs, *river.InsertOpts) {
			return args{kind: p.Kind}, &river.InsertOpts{MaxAttempts: periodicAttempts, UniqueOpts: river.UniqueOpts{ByState: waiting}}
		}, &river.PeriodicJobOpts{RunOnStart: true})
	}
	return all
}

// Run works jobs until ctx ends; then running ones get 2 s to finish, are cancelled, and come again at the next start.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.takeBack(ctx); err != nil {
		return fmt.Errorf("take back the jobs of an earlier process: %w", err)
	}
	if err := r.client.Start(ctx); err != nil {
		return fmt.Errorf("start the job runner: %w", err)
	}
	<-r.client.Stopped()
	return nil
}

// takeBack makes jobs wait again that an earlier process of this node was working on, and gives up its leadership. River itself
// would take a minute for the one and 15 s for the other.
func (r *Runner) takeBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	own := "attempted_by ->> '$[#-1]' = $1" // a JSON array
	if r.queue.engine == Postgres {
		own = "attempted_by[array_upper(attempted_by, 1)] = $1"
	}
	res, err := r.queue.db.ExecContext(ctx, "UPDATE river_job SET state = 'available' WHERE state = 'running' AND "+own, r.node)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err == nil && n > 0 {
		r.log.Warn("jobs of an earlier process are taken up again", "jobs", n)
	}
	_, err = r.queue.db.ExecContext(ctx, "DELETE FROM river_leader WHERE leader_id = $1", r.node)
	return err
}

// worker does the jobs of one kind.
type worker struct {
	river.WorkerDefaults[args]
	kind   string
	handle jobs.Handler
	log    *slog.Logger
}

// Timeout is the limit of the kind; 0 is the runner's own.
func (w *worker) Timeout(*river.Job[args]) time.Duration { return jobs.Limit(w.kind) }

// Work runs the handler and says in River's terms how it ended.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	err := w.guarded(ctx, job)
	if again, ok := errors.AsType[jobs.Again](err); ok {
		return river.JobSnooze(max(again.After, 0))
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(0) // the server stops: the job comes again with its next start
	}
	w.log.Error("job failed", "kind", w.kind, "job", job.ID, "subject", job.Args.Subject, "attempt", job.Attempt, "error", err)
	return errFailed
}

// guarded turns a panic into a failure, since River would keep its value in the row.
func (w *worker) guarded(ctx context.Context, job *river.Job[args]) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("job panicked", "kind", w.kind, "job", job.ID, "stack", string(debug.Stack()), slog.Group("pii", "value", p))
			err = errFailed
		}
	}()
	return w.handle(ctx, job.Args.Subject)
}

// growing delays the nth retry by 2ⁿ⁻¹ seconds, at most 5 minutes.
type growing struct{}

// NextRetry says when a failed job comes again.
func (growing) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(delay(len(job.Errors)))
}

func delay(failures int) time.Duration {
	if failures >= 10 {
		return longestDelay
	}
	return min(time.Second<<failures, longestDelay)
}
