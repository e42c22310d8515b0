package messages

// ReaderStarted says that a reader has started, or started again, and waits for
// OpenReader. Reader tells commands.
type ReaderStarted struct{ Host int }

// OpenReader asks to connect to Redis. Attempt is how many attempts have failed in a row,
// for the back-off. Commands tells reader.
type OpenReader struct{ Attempt int }

// LayerReached says that Redis answers, and waits for Fetch. Reader tells commands.
type LayerReached struct{ Host int }

// Fetch asks to wait for commands and to fetch at most Limit of them. Commands tells reader.
type Fetch struct{ Limit int }

// Fetched hands over what was fetched. Late: for an earlier incarnation of the reader.
// Reader tells commands.
type Fetched struct {
	Host     int
	Received []Received
	Late     bool
}

// Shutdown asks to finish what is under way, and then to stop. The worker tells bridge.
type Shutdown struct{}

// Abandon asks to stop at once. The worker tells bridge.
type Abandon struct{}

// LayerState says that Redis was lost or is back. Commands tells bridge and
// store.
type LayerState struct{ Up bool }

// ConnectionState says that the MQTT connection was lost or is back. Session tells
// bridge.
type ConnectionState struct{ Up bool }

// Drain asks to take nothing new, and to answer Drained when what is under way is done.
// Bridge tells commands, requests (which do not answer) and session, then router. Session tells
// connection, router tells every fanout.
type Drain struct{}

// Drained answers Drain. Commands, session and router tell bridge; fanout tells router. Connection
// tells session when it passes on no more deliveries.
type Drained struct{ From string }

// Undo asks to give back, undone, what is held back for another slot, now and from now on,
// since that slot may take any time. Session tells router when it stops and its connection
// passes on no more deliveries.
type Undo struct{}

func (Undo) toRouter()            {}
func (ReaderStarted) toCommands() {}
func (OpenReader) toReader()      {}
func (Fetch) toReader()           {}
func (LayerReached) toCommands()  {}
func (Fetched) toCommands()       {}
func (Shutdown) toBridge()        {}
func (Abandon) toBridge()         {}
func (LayerState) toStore()       {}
func (LayerState) toBridge()      {}
func (ConnectionState) toBridge() {}
func (Drain) toRouter()           {}
func (Drain) toRequests()         {}
func (Drain) toCommands()         {}
func (Drain) toSession()          {}
func (Drain) toConnection()       {}
func (Drain) toFanout()           {}
func (Drained) toRouter()         {}
func (Drained) toBridge()         {}
func (Drained) toSession()        {}
