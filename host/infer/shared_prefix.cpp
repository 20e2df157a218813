// Planning and running shared beginnings (see shared_prefix.h).
// Shapes: B rows, N rows of all targets, D width.
#include "host/infer/shared_prefix.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <memory>

#include "temper/batch.h"
#include "temper/loss.h"

namespace temper {
namespace {

/// What a token costs that follows a beginning, in tokens of a full pass, and a step in all, as the weights are read from
/// memory again. Estimates, not fitted; they only choose between ways to the same scores.
constexpr double kFollowingToken = 1.2, kStep = 40;
/// Positions of all places together: memory for keys and values.
constexpr std::int64_t kCachePositions = 16384;
constexpr std::int64_t kMostPlaces = 128;

std::int64_t steps_of(const ScoreWindow& window) { return static_cast<std::int64_t>(window.targets.size()) - 1; }
std::int64_t lead_of(const ScoreWindow& window) { return std::max<std::int64_t>(1, window.context); }

/// What is read before the first target: the source and the first inputs.
std::int64_t read_of(const ScoreWindow& window) { return lead_of(window) + static_cast<std::int64_t>(window.source.size()); }

/// Contexts in lexicographic order, so that what begins alike stands together.
std::vector<SharedContext> contexts_of(const std::vector<ScoreWindow>& windows) {
  std::map<std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>>, SharedContext> by_beginning;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto lead = static_cast<std::ptrdiff_t>(lead_of(windows[i]));
    auto& context = by_beginning[{windows[i].source, {windows[i].input.begin(), windows[i].input.begin() + lead}}];
    context.lead = lead;
    context.windows.push_back(i);
  }
  std::vector<SharedContext> contexts;
  for (auto& [beginning, context] : by_beginning) contexts.push_back(std::move(context));
  return contexts;
}

/// Inputs that both contexts begin with; at least one input of each stays its own.
std::int64_t common_lead(const ScoreWindow& a, const ScoreWindow& b) {
  if (!a.source.empty() || !b.source.empty()) return 0;
  const auto longest = static_cast<std::ptrdiff_t>(std::min(lead_of(a), lead_of(b)) - 1);
  const auto end = std::mismatch(a.input.begin(), a.input.begin() + longest, b.input.begin()).first;
  return end - a.input.begin();
}

/// How many sequences are in the cache at once: one beginning, contexts behind it, and what follows those.
struct Places {
  std::int64_t contexts = 1, followers = 1;
  std::int64_t all() const { return 1 + contexts + followers; }
};
Places places_for(std::int64_t longest, bool anything_follows) {
  const std::int64_t places = std::clamp<std::int64_t>(kCachePositions / longest, 4, kMostPlaces);
  if (!anything_follows) return {places - 1, 0};
  return {(places - 1) / 3, places - 1 - (places - 1) / 3};
}

/// Of each of `tokens` that follow, in steps of at most `at_once`.
double following_cost(std::int64_t tokens, std::int64_t at_once) {
  return kFollowingToken + kStep / static_cast<double>(std::clamp<std::int64_t>(tokens, 1, at_once));
}

/// Chooses the cheapest way to read a range of sorted contexts: each by itself, or behind a common beginning.
class Planner {
 public:
  Planner(const std::vector<ScoreWindow>& windows, bool causal, std::int64_t batch_tokens)
      : windows_(windows), contexts_(contexts_of(windows)), batch_tokens_(batch_tokens) {
    std::int64_t following = 0;
    for (const auto& window : windows) following += steps_of(window);
    const double follow = following_cost(following, batch_tokens);
    for (const auto& context : contexts_) {
      double full = 0, after = 0;
      for (const std::size_t index : context.windows) {
        full += static_cast<double>(read_of(windows[index]) + steps_of(windows[index]));
        after += follow * static_cast<double>(steps_of(windows[index]));
      }
      full_.push_back(full);
      after_.push_back(after);
      if (common_.size() + 1 < contexts_.size()) {
        const std::size_t at = common_.size();
        common_.push_back(causal ? common_lead(window_of(at), window_of(at + 1)) : 0);
      }
    }
  }

  std::vector<SharedBeginning> plan() {
    if (!contexts_.empty()) choose(0, contexts_.size(), &plan_);
    // Contexts of like length side by side, so that prefills have little padding.
    std::stable_sort(alone_.contexts.begin(), alone_.contexts.end(), [&](const SharedContext& a, const SharedContext& b) {
      return read_of(windows_[a.windows.front()]) > read_of(windows_[b.windows.front()]);
    });
    if (!alone_.contexts.empty()) plan_.push_back(std::move(alone_));
    return std::move(plan_);
  }

 private:
  const ScoreWindow& window_of(std::size_t at) const { return windows_[contexts_[at].windows.front()]; }
  double shared_cost(std::size_t at) const { return static_cast<double>(read_of(window_of(at))) + after_[at]; }

  /// The cost of the contexts [first, last); adds what was chosen to `out` if it is given.
  double choose(std::size_t first, std::size_t last, std::vector<SharedBeginning>* out) {
    if (last == first + 1) {
      const bool shared = contexts_[first].windows.size() > 1 && shared_cost(first) < full_[first];
      if (out != nullptr && shared) alone_.contexts.push_back(contexts_[first]);
      return shared ? shared_cost(first) : full_[first];
    }
    const auto begin = common_.begin() + static_cast<std::ptrdiff_t>(first);
    const std::int64_t common = *std::min_element(begin, common_.begin() + static_cast<std::ptrdiff_t>(last - 1));
    double together = static_cast<double>(common);
    std::int64_t following = 0;
    for (std::size_t i = first; i < last; ++i) {
      following += contexts_[i].lead - common;
      together += after_[i];
    }
    together += following_cost(following, batch_tokens_) * static_cast<double>(following);
    const auto by_parts = [&](std::vector<SharedBeginning>* to) {
      double sum = 0;
      for (std::size_t from = first; from < last;) {
        std::size_t end = from + 1;
        while (end < last && common_[end - 1] > common) ++end;
        sum += choose(from, end, to);
        from = end;
      }
      return sum;
    };
    const double apart = by_parts(nullptr);
    const bool join = common > 0 && together < apart;
    if (out != nullptr && join) {
      out->push_back(
          {common,
           {contexts_.begin() + static_cast<std::ptrdiff_t>(first), contexts_.begin() + static_cast<std::ptrdiff_t>(last)}});
    } else if (out != nullptr) {
      by_parts(out);
    }
    return join ? together : apart;
  }

  const std::vector<ScoreWindow>& windows_;
  std::vector<SharedContext> contexts_;
  std::int64_t batch_tokens_;
  std::vector<double> full_, after_;  ///< cost of full passes, and of what follows a shared context
  std::vector<std::int64_t> common_;  ///< inputs that a context shares with the next one
  std::vector<SharedBeginning> plan_;
  SharedBeginning alone_;
};

/// One run over a plan: the cache with its places, and the hidden states of targets that wait for the head.
class SharedRun {
 public:
  SharedRun(Architecture& model, IncrementalDecoder& decoder, std::int64_t pad_id, const std::vector<ScoreWindow>& windows,
            const std::vector<SharedBeginning>& plan, std::int64_t batch_tokens)
      : model_(model),
        decoder_(decoder),
        pad_id_(pad_id),
        prefix_attention_(model.traits().prefix_attention),
        batch_tokens_(batch_tokens),
        windows_(windows) {
    std::int64_t room = 1, source_room = 0;
    bool follows = false;
    for (const auto& beginning : plan) {
      for (const auto& context : beginning.contexts) {
        for (const std::size_t index : context.windows) {
          room = std::max(room, static_cast<std::int64_t>(windows[index].input.size()));
          source_room = std::max(source_room, static_cast<std::int64_t>(windows[index].source.size()));
          follows |= steps_of(windows[index]) > 0;
        }
      }
    }
    places_ = places_for(room + source_room, follows);
    decoder_.prepare_decoding(WeightFormat::kFloat32);
    state_ = decoder_.make_state(places_.all(), room, source_room);
  }

  std::int64_t contexts_at_once() const { return places_.contexts; }
  static constexpr std::int64_t kRoot = 0;
  std::int64_t context_place(std::size_t at) const { return 1 + static_cast<std::int64_t>(at); }

  /// The first `length` inputs of these windows into these places; returns h_BD behind them.
  at::Tensor read(const std::vector<std::size_t>& indices, const std::vector<std::int64_t>& lengths,
                  const std::vector<std::int64_t>& places) {
    std::vector<at::Tensor> parts;
    for (std::size_t first = 0; first < indices.size();) {
      std::vector<Example> examples;
      std::int64_t longest = 0;
      std::size_t last = first;
      for (; last < indices.size(); ++last) {
        const ScoreWindow& window = windows_[indices[last]];
        const auto side = std::max(lengths[last], static_cast<std::int64_t>(window.source.size()));
        const auto rows = static_cast<std::int64_t>(last - first) + 1;
        if (last > first && std::max(longest, side) * rows > batch_tokens_) break;
        longest = std::max(longest, side);
        Example example;
        example.ids.assign(window.input.begin(), window.input.begin() + static_cast<std::ptrdiff_t>(lengths[last]));
        example.labels.assign(example.ids.size(), kIgnoreLabel);
        example.source.assign(window.source.begin(), window.source.end());
        if (prefix_attention_) example.prefix = lengths[last];
        examples.push_back(std::move(example));
      }
      Batch batch = pad_examples(examples, longest, pad_id_);
      // A prefill has to know where each row ends.
      batch.input.segments_BT = at::full_like(batch.input.ids_BT, kPaddingSegment);
      for (std::size_t b = 0; b < examples.size(); ++b) {
        batch.input.segments_BT[static_cast<std::int64_t>(b)].narrow(0, 0, lengths[first + b]).fill_(0);
      }
      parts.push_back(
          decoder_.prefill(*state_, {places.data() + first, last - first}, to_device(batch.input, model_.device())));
      first = last;
    }
    return at::cat(parts, 0);
  }

  /// Further inputs of windows: from `next` to `end`, as many in one step as its size allows. `after` is told the row's
  /// window, how many of its inputs were read, and where its hidden state lies in h_BD.
  struct Row {
    std::size_t window;
    std::int64_t place, next, end;
  };
  template <class After>
  void follow(std::vector<Row> rows, const After& after) {
    for (std::size_t first = 0; first < rows.size();) {
      std::vector<std::int64_t> places, ids;
      std::vector<std::size_t> of_row;
      const auto is_full = [&] { return static_cast<std::int64_t>(ids.size()) == batch_tokens_; };
      for (std::size_t i = first; i < rows.size() && !is_full(); ++i) {
        for (std::int64_t next = rows[i].next; next < rows[i].end && !is_full(); ++next) {
          places.push_back(rows[i].place);
          ids.push_back(windows_[rows[i].window].input[static_cast<std::size_t>(next)]);
          of_row.push_back(i);
        }
      }
      if (ids.empty()) return;
      const at::Tensor hidden_BD = decoder_.step(*state_, places, at::tensor(ids, at::kLong).to(model_.device()));
      for (std::size_t b = 0; b < of_row.size(); ++b) after(rows[of_row[b]].window, ++rows[of_row[b]].next, hidden_BD, b);
      first = of_row.back();
    }
  }

  void copy(std::int64_t from, std::int64_t to) { state_->copy_place(from, to); }

  /// The hidden state behind `inputs` inputs of a window predicts one of its targets.
  void predicts(std::size_t window, std::int64_t inputs, const at::Tensor& hidden_BD, std::size_t row) {
    const auto target = static_cast<std::size_t>(inputs - lead_of(windows_[window]));
    waiting_.push_back({window, target, hidden_BD.select(0, static_cast<std::int64_t>(row))});
  }

  /// What follows each of the contexts, a full house at a time.
  void follow_contexts(const std::vector<const SharedContext*>& contexts) {
    struct Follower {
      std::int64_t from;
      Row row;
    };
    std::vector<Follower> followers;
    for (std::size_t at = 0; at < contexts.size(); ++at) {
      for (const std::size_t index : contexts[at]->windows) {
        const auto end = static_cast<std::int64_t>(windows_[index].input.size());
        if (steps_of(windows_[index]) > 0) followers.push_back({context_place(at), {index, 0, contexts[at]->lead, end}});
      }
    }
    const auto house = static_cast<std::size_t>(places_.followers);
    for (std::size_t first = 0; first < followers.size(); first += house) {
      std::vector<Row> rows;
      for (std::size_t i = first; i < std::min(followers.size(), first + house); ++i) {
        Row row = followers[i].row;
        row.place = context_place(static_cast<std::size_t>(places_.contexts)) + static_cast<std::int64_t>(i - first);
        copy(followers[i].from, row.place);
        rows.push_back(row);
      }
      follow(std::move(rows), [&](std::size_t window, std::int64_t inputs, const at::Tensor& hidden_BD, std::size_t row) {
        predicts(window, inputs, hidden_BD, row);
      });
    }
  }

  /// Puts the head on all that waits.
  void finish(const OnTarget& on_target) {
    if (waiting_.empty()) return;
    std::vector<at::Tensor> hidden;
    std::vector<std::int64_t> labels;
    for (const auto& one : waiting_) {
      hidden.push_back(one.hidden_D);
      labels.push_back(windows_[one.window].targets[one.target]);
    }
    at::Tensor is_argmax_N;
    const at::Tensor labels_N = at::tensor(labels, at::kLong).to(model_.device());
    const at::Tensor log_probs_N = linear_log_probs(at::stack(hidden), model_.head(), labels_N, &is_argmax_N).to(at::kCPU);
    is_argmax_N = is_argmax_N.to(at::kCPU);
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      on_target(waiting_[i].window, waiting_[i].target, log_probs_N.const_data_ptr<float>()[i],
                is_argmax_N.const_data_ptr<bool>()[i]);
    }
    waiting_.clear();
  }

 private:
  struct Waiting {
    std::size_t window, target;
    at::Tensor hidden_D;
  };
  Architecture& model_;
  IncrementalDecoder& decoder_;
  std::int64_t pad_id_;
  bool prefix_attention_;
  std::int64_t batch_tokens_;
  const std::vector<ScoreWindow>& windows_;
  Places places_;
  std::unique_ptr<DecodeState> state_;
  std::vector<Waiting> waiting_;
};

}  // namespace

std::vector<SharedBeginning> plan_sharing(const std::vector<ScoreWindow>& windows, bool causal, std::int64_t batch_tokens) {
  return Planner(windows, causal, batch_tokens).plan();
}

void score_shared(Architecture& model, IncrementalDecoder& decoder, std::int64_t pad_id,
                  const std::vector<ScoreWindow>& windows, const std::vector<SharedBeginning>& plan,
                  std::int64_t batch_tokens, const std::function<bool()>& cancelled, const OnTarget& on_target) {
  if (plan.empty()) return;
  SharedRun run(model, decoder, pad_id, windows, plan, batch_tokens);
  for (const auto& beginning : plan) {
    const auto& contexts = beginning.contexts;
    if (beginning.common > 0) run.read({contexts.front().windows.front()}, {beginning.common}, {SharedRun::kRoot});
    const auto house = static_cast<std::size_t>(run.contexts_at_once());
    for (std::size_t first = 0; first < contexts.size(); first += house) {
      if (cancelled && cancelled()) throw Cancelled("stopped while scoring");
      std::vector<const SharedContext*> now;
      std::vector<std::size_t> indices;
      std::vector<std::int64_t> lengths, places;
      for (std::size_t i = first; i < std::min(contexts.size(), first + house); ++i) {
        places.push_back(run.context_place(now.size()));
        indices.push_back(contexts[i].windows.front());
        lengths.push_back(contexts[i].lead);
        now.push_back(&contexts[i]);
      }
      /// Behind its last input a context predicts the first target of every window.
      const auto first_targets = [&](const SharedContext& context, const at::Tensor& hidden_BD, std::size_t row) {
        for (const std::size_t index : context.windows) run.predicts(index, context.lead, hidden_BD, row);
      };
      if (beginning.common == 0) {
        const at::Tensor hidden_BD = run.read(indices, lengths, places);
        for (std::size_t b = 0; b < now.size(); ++b) first_targets(*now[b], hidden_BD, b);
      } else {
        std::vector<SharedRun::Row> rows;
        std::map<std::size_t, const SharedContext*> by_window;
        for (std::size_t b = 0; b < now.size(); ++b) {
          run.copy(SharedRun::kRoot, places[b]);
          rows.push_back({indices[b], places[b], beginning.common, now[b]->lead});
          by_window[indices[b]] = now[b];
        }
        run.follow(std::move(rows),
                   [&](std::size_t window, std::int64_t inputs, const at::Tensor& hidden_BD, std::size_t row) {
                     const SharedContext& context = *by_window.at(window);
                     if (inputs == context.lead) first_targets(context, hidden_BD, row);
                   });
      }
      run.follow_contexts(now);
      run.finish(on_target);
    }
  }
}

}  // namespace temper
