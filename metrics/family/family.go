// Package family names what is measured: one constant for each metric family.
//
// Dashboards, alerts and the load tester's pages hang on these names, so a name
// that changes is a CHANGE in the changelog. What a family counts is said where
// it is made, in package metrics.
package family

// Prefix of every family.
const Prefix = "maskswitch_"

// Calls.
const (
	CallSetupDuration  = "maskswitch_call_setup_duration_seconds"
	CallSetupSwitching = "maskswitch_call_setup_switching_seconds"
	CallTalkDuration   = "maskswitch_call_talk_duration_seconds"
	CallsActive        = "maskswitch_calls_active"
	CallsActiveLimit   = "maskswitch_calls_active_limit"
	CallsEnded         = "maskswitch_calls_ended_total"
	CallsOffered       = "maskswitch_calls_offered_total"
	CallsStuck         = "maskswitch_calls_stuck_total"
	PostDialDelay      = "maskswitch_post_dial_delay_seconds"
)

// Legs.
const (
	LegHangups       = "maskswitch_leg_hangups_total"
	LegStageDuration = "maskswitch_leg_stage_duration_seconds"
)

// Webhooks.
const (
	WebhookAckDuration           = "maskswitch_webhook_ack_duration_seconds"
	WebhookDeliveryLag           = "maskswitch_webhook_delivery_lag_seconds"
	WebhookLastAcceptedTimestamp = "maskswitch_webhook_last_accepted_timestamp_seconds"
	WebhookNegativeLags          = "maskswitch_webhook_negative_lags_total"
	WebhookRedeliveries          = "maskswitch_webhook_redeliveries_total"
	WebhooksRefused              = "maskswitch_webhooks_refused_total"
	Webhooks                     = "maskswitch_webhooks_total"
)

// Reaction, which is our own latency.
const (
	ReactionDuration = "maskswitch_reaction_duration_seconds"
)

// Commands.
const (
	CommandAttemptDuration = "maskswitch_command_attempt_duration_seconds"
	CommandPacingWait      = "maskswitch_command_pacing_wait_seconds"
	CommandRetries         = "maskswitch_command_retries_total"
	CommandsInFlight       = "maskswitch_commands_in_flight"
	Commands               = "maskswitch_commands_total"
	OutboxCommands         = "maskswitch_outbox_commands"
	OutboxOldestTimestamp  = "maskswitch_outbox_oldest_timestamp_seconds"
)

// Bookings and numbers.
const (
	BookingsEnded        = "maskswitch_bookings_ended_total"
	BookingsOpen         = "maskswitch_bookings_open"
	Bookings             = "maskswitch_bookings_total"
	PoolHeadroomBookings = "maskswitch_pool_headroom_bookings"
	PoolIdleNumbers      = "maskswitch_pool_idle_numbers"
	PoolNumbers          = "maskswitch_pool_numbers"
)

// API.
const (
	HTTPRequestDuration       = "maskswitch_http_request_duration_seconds"
	HTTPRequestsInFlight      = "maskswitch_http_requests_in_flight"
	HTTPRequestsInFlightLimit = "maskswitch_http_requests_in_flight_limit"
	HTTPRequests              = "maskswitch_http_requests_total"
)

// Recordings.
const (
	RecordingArchiveLag             = "maskswitch_recording_archive_lag_seconds"
	RecordingArchivedBytes          = "maskswitch_recording_archived_bytes_total"
	RecordingFailures               = "maskswitch_recording_failures_total"
	RecordingOldestPendingTimestamp = "maskswitch_recording_oldest_pending_timestamp_seconds"
	RecordingsPending               = "maskswitch_recordings_pending"
	Recordings                      = "maskswitch_recordings_total"
)

// Journal and disk.
const (
	DataFree                   = "maskswitch_data_free_bytes"
	DataSize                   = "maskswitch_data_size_bytes"
	JournalAppendDuration      = "maskswitch_journal_append_duration_seconds"
	JournalChanges             = "maskswitch_journal_changes_total"
	JournalCommitDuration      = "maskswitch_journal_commit_duration_seconds"
	JournalErrors              = "maskswitch_journal_errors_total"
	JournalPendingChanges      = "maskswitch_journal_pending_changes"
	JournalPendingChangesLimit = "maskswitch_journal_pending_changes_limit"
	JournalSize                = "maskswitch_journal_size_bytes"
	RecoveryDuration           = "maskswitch_recovery_duration_seconds"
)

// Actors.
const (
	ActorDeadLetters        = "maskswitch_actor_dead_letters_total"
	ActorHandleDuration     = "maskswitch_actor_handle_duration_seconds"
	ActorMailboxMessages    = "maskswitch_actor_mailbox_messages"
	ActorMailboxMessagesMax = "maskswitch_actor_mailbox_messages_max"
	ActorMailboxWait        = "maskswitch_actor_mailbox_wait_seconds"
	ActorRestarts           = "maskswitch_actor_restarts_total"
	Actors                  = "maskswitch_actors"
)

// Process.
const (
	BuildInfo      = "maskswitch_build_info"
	ComponentReady = "maskswitch_component_ready"
	Draining       = "maskswitch_draining"
)
