#include "actors/context/cluster_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace beckon::actors {

namespace pm = prometheus;

namespace {

pm::Gauge* gauge(pm::Registry& r, const char* name, const char* help) {
  return &pm::BuildGauge().Name(name).Help(help).Register(r).Add({});
}

pm::Counter* counter(pm::Registry& r, const char* name, const char* help) {
  return &pm::BuildCounter().Name(name).Help(help).Register(r).Add({});
}

} // namespace

cluster_metrics::cluster_metrics(pm::Registry& r)
    : nodes_active(gauge(r, "beckon_cluster_nodes_active", "Nodes that may own shards")),
      shards_owned(gauge(r, "beckon_cluster_shards_owned", "Shards of this node")),
      shards_unreachable(gauge(r, "beckon_cluster_shards_unreachable",
                               "Shards of nobody, or of a node to which there is no link")),
      moves(gauge(r, "beckon_cluster_moves", "Shards that this node is giving away")),
      lease_seconds(gauge(r, "beckon_cluster_lease_seconds", "How long this node may still claim")),
      clock_off_seconds(
          gauge(r, "beckon_cluster_clock_off_seconds", "This host's clock against the database's")),
      links_up(gauge(r, "beckon_cluster_links_up", "Peers to which there is a link")),
      highest_epoch(gauge(r, "beckon_cluster_epoch", "The highest epoch of all shards")),
      moved_away(counter(r, "beckon_cluster_shards_moved_total", "Shards given to other nodes")),
      taken_over(counter(r, "beckon_cluster_shards_assigned_total",
                         "Shards of nobody, or of nodes that are gone, that this node gave an owner")),
      expulsions(counter(r, "beckon_cluster_expulsions_total", "How often this node was taken for dead")),
      call_failures(
          counter(r, "beckon_cluster_call_failures_total", "Calls to the tables of the cluster that failed")),
      fenced(counter(r, "beckon_cluster_fenced_total",
                     "Writes refused because the shard had another owner or epoch")),
      forwarded(counter(r, "beckon_cluster_forwarded_total", "Asks sent to the owner on another node")),
      answered(counter(r, "beckon_cluster_answered_total", "Asks of other nodes answered here")),
      redirected(counter(r, "beckon_cluster_redirected_total", "Asks that a wrong owner sent back")),
      refused(counter(r, "beckon_cluster_gateway_overloads_total",
                      "Asks for another node refused because its gateway was full")),
      timed_out(counter(r, "beckon_cluster_forward_timeouts_total",
                        "Asks for another node without an answer in time, or whose link was lost")),
      batches(counter(r, "beckon_cluster_batches_total", "Batches sent to other nodes")),
      batch_bytes(counter(r, "beckon_cluster_batch_bytes_total", "Bytes of the batches sent to other nodes")),
      bad_batches(
          counter(r, "beckon_cluster_bad_batches_total", "Messages of other nodes that were refused")),
      skipped(counter(r, "beckon_cluster_skipped_frames_total",
                      "Parts of messages that only a later version of Beckon knows; they were skipped")),
      unsupported(counter(r, "beckon_cluster_unsupported_asks_total",
                          "Asks that another node refused because its version does not know them")),
      batch_frames(
          &pm::BuildHistogram()
               .Name("beckon_cluster_batch_frames")
               .Help("Frames in one batch")
               .Register(r)
               .Add({}, pm::Histogram::BucketBoundaries{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024})) {}

} // namespace beckon::actors
