package worker

import "chanmqttproxy/runtime/logs"

// logBounds is how much of the log waits to be written, and how much may.
type logBounds struct {
	queue *logs.Queue
	limit int
}

func (l logBounds) register(m metrics) {
	m.total("log_lines_dropped_total", "Lines of the log that were dropped, since standard error is not read, or too slowly.", l.queue.Dropped)
	m.gauge("log_backlog_bytes", "Memory of the log lines that wait for standard error to be read.", func() float64 { return float64(l.queue.Waiting()) })
	m.limit("log_backlog_limit_bytes", "LOG_MEMORY: how much memory waiting log lines may take.", l.limit)
}
