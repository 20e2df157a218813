// UL2's mixture of denoisers: each text is trained on by one of three kinds of task, drawn by rate. R removes short spans,
// X removes many or long ones, S removes the end. A mode token may say in front which kind it is.
// Source: Tay et al., "UL2: unifying language learning paradigms" (2022), section 3.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spans.h"
#include "temper/objective.h"
#include "temper/params.h"

namespace temper::ul2 {

struct Ul2Params {
  std::vector<std::string> r_denoisers = {"3:0.15", "8:0.15"};
  std::vector<std::string> x_denoisers = {"3:0.5", "8:0.5", "64:0.15", "64:0.5"};
  double s_density = 0.25;
  double r_rate = 2, s_rate = 1, x_rate = 4;
  std::string mode_tokens = "none";
  std::vector<std::string> mode_pieces = {"[NLU]", "[S2S]", "[NLG]"};
};

ParamTable<Ul2Params> ul2_params();

/// "8:0.15" as mean span length and density. Throws ConfigError saying what is allowed.
objectives::Noise parse_denoiser(const std::string& text);

enum class Mode { kRegular, kSequential, kExtreme };

class Ul2 final : public Objective {
 public:
  /// Throws ConfigError if the tokenizer lacks sentinels or the mode tokens.
  Ul2(const Ul2Params& params, const Objective::Args& args);
  /// The longest text that every denoiser with a rate above 0 can fit. Throws ConfigError for too few sentinels.
  std::int64_t piece_length(std::int64_t context) const override;
  Example example(const Piece& piece, Rng& rng) const override;

 private:
  Mode draw_mode(Rng& rng) const;
  std::vector<objectives::Noise> active() const;
  Example sequential(const Piece& piece, Rng& rng) const;
  Example denoised(const Piece& piece, const objectives::Noise& noise, Mode mode, Rng& rng) const;
  void put_mode(std::vector<std::int64_t>& source, Mode mode) const;

  double rates_[3];
  double s_density_;
  std::vector<objectives::Noise> regular_, extreme_;
  const Tokenizer& tokenizer_;
  bool encoder_decoder_;
  std::vector<std::int32_t> sentinels_;  ///< of spans, without those that are mode tokens
  std::vector<std::int32_t> modes_;      ///< R, S, X; empty for none
};

}  // namespace temper::ul2
