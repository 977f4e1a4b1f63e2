"""Makes configs.json: what transformers 5.23.0 writes as config.json of small models of the hybrid families, every field of their classes.

Needs Python's transformers 5.23.0 (no torch). Null, defaults and renamed fields are the classes' own.
"""

import json, pathlib

import transformers as t

BASE = dict(vocab_size=384, hidden_size=64, intermediate_size=96, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0)
DELTA = dict(BASE, head_dim=32, linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=16, linear_value_head_dim=16)
EXPERTS = dict(num_experts=8, num_experts_per_tok=2, moe_intermediate_size=32)
LATENT = dict(BASE, num_key_value_heads=4, n_routed_experts=8, num_experts_per_tok=2, moe_intermediate_size=32, kv_lora_rank=32,
              qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=16)
MAMBA = dict(BASE, layer_types=["mamba", "attention", "mamba", "mamba"], mamba_n_heads=8, mamba_d_state=16, shared_intermediate_size=64)
GEMMA = dict(BASE, head_dim=16, vocab_size_per_layer_input=384, hidden_size_per_layer_input=16, sliding_window=16, global_head_dim=32,
             layer_types=["sliding_attention", "full_attention", "sliding_attention", "full_attention"])
DENSE = dict(GEMMA, hidden_size_per_layer_input=0)

CONFIGS = {
    "lfm2": t.Lfm2Config(**BASE, full_attn_idxs=[1, 3]),
    "lfm2, biases": t.Lfm2Config(**BASE, conv_bias=True, block_ffn_dim_multiplier=1.3, block_multiple_of=32, tie_word_embeddings=False,
                                 layer_types=["conv", "full_attention", "conv", "conv"]),
    "lfm2_moe": t.Lfm2MoeConfig(**BASE, **EXPERTS, layer_types=["conv", "full_attention", "conv", "conv"]),
    "lfm2 with images": t.Lfm2VlConfig(text_config=dict(BASE, model_type="lfm2", full_attn_idxs=[1, 3])),
    "lfm3": t.Lfm3Config(**BASE, head_dim=16, sliding_window=16),
    "lfm3, plain": t.Lfm3Config(**BASE, head_dim=32, use_attention_gate=False, use_sandwich_norm=False, attention_bias=True, conv_bias=True,
                                conv_L_cache=3),
    "lfm3 with images": t.Lfm3VlConfig(text_config=dict(BASE, model_type="lfm3", head_dim=16)),
    "qwen3_5_text": t.Qwen3_5TextConfig(**DELTA),
    "qwen3_5": t.Qwen3_5Config(text_config=DELTA),
    "qwen3_5_moe_text": t.Qwen3_5MoeTextConfig(**DELTA, **EXPERTS, shared_expert_intermediate_size=32),
    "qwen3_5_moe": t.Qwen3_5MoeConfig(text_config=dict(DELTA, **EXPERTS, shared_expert_intermediate_size=32)),
    "qwen3_next": t.Qwen3NextConfig(**DELTA, **EXPERTS, shared_expert_intermediate_size=32),
    "granitemoehybrid": t.GraniteMoeHybridConfig(**MAMBA, num_local_experts=0),
    "granitemoehybrid, experts": t.GraniteMoeHybridConfig(**MAMBA, num_local_experts=4, num_experts_per_tok=2, mamba_n_groups=2,
                                                          position_embedding_type="rope"),
    "granite_swa": t.GraniteSWAConfig(**BASE),
    "granite_swa, bases": t.GraniteSWAConfig(**BASE, layer_rope_theta=[0, 10000.0, 0, 500.0], sliding_window=16),
    "gemma4_text": t.Gemma4TextConfig(**GEMMA, num_kv_shared_layers=2, use_double_wide_mlp=True),
    "gemma4": t.Gemma4Config(text_config=dict(GEMMA, num_kv_shared_layers=2)),
    "gemma4, dense": t.Gemma4Config(text_config=dict(DENSE, attention_k_eq_v=True, num_global_key_value_heads=1)),
    "gemma4, mixture": t.Gemma4Config(text_config=dict(DENSE, enable_moe_block=True, num_experts=4, top_k_experts=2,
                                                       moe_intermediate_size=32)),
    "glm4_moe_lite": t.Glm4MoeLiteConfig(**LATENT, q_lora_rank=24),
    "deepseek_v3": t.DeepseekV3Config(**LATENT, q_lora_rank=24, n_group=2, topk_group=1, first_k_dense_replace=1),
    "deepseek_v2": t.DeepseekV2Config(**LATENT, q_lora_rank=None, first_k_dense_replace=1),
}

target = pathlib.Path(__file__).parent / "configs.json"
target.write_text(json.dumps({name: json.loads(config.to_json_string(use_diff=True)) for name, config in CONFIGS.items()}, indent=1) + "\n")
print(f"{target}: {target.stat().st_size} bytes, {len(CONFIGS)} configurations")
