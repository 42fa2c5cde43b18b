"""vLLM replicas behind one address of a Ray cluster, --endpoint http://HEAD:8000/v1:

serve start --http-host 0.0.0.0 && serve run serve_ray:app
"""

from ray.serve.llm import LLMConfig, build_openai_app

config = LLMConfig(
    model_loading_config={"model_id": "vvangfaye/SocioReasoner-3B"},
    deployment_config={"num_replicas": 4},  # a GPU each
    engine_kwargs={
        "dtype": "bfloat16",
        "generation_config": "vllm",
        "max_model_len": 8192,
        "limit_mm_per_prompt": {"image": {"count": 2, "width": 756, "height": 756}, "video": 0},
        "mm_processor_kwargs": {"min_pixels": 3136, "max_pixels": 12845056},
    },
)
app = build_openai_app({"llm_configs": [config]})
